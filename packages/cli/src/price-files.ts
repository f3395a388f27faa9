/** Price books as commands name them: a file, or the one that ships. */
import { readFileSync } from 'node:fs';
import { AppError, isRejected } from '@tokenledger/domain';
import { parsePriceBook, type PriceBook, SHIPPED_PRICE_BOOK } from '@tokenledger/pricing';

/** Names the book that ships wherever a file may stand. */
export const SHIPPED = 'shipped';

/** Throws `PRICE_BOOK_UNREADABLE`, `PRICE_BOOK_INVALID`. */
export function bookAt(file: string): PriceBook {
  const book = parsePriceBook(bookTextOf(file));
  if (isRejected(book)) throw new AppError(book.code, book.message);
  return book;
}

/** Throws `PRICE_BOOK_UNREADABLE`. */
export function bookTextOf(file: string): string {
  try {
    return readFileSync(file === SHIPPED ? SHIPPED_PRICE_BOOK : file, 'utf8');
  } catch (cause) {
    throw new AppError('PRICE_BOOK_UNREADABLE', `the price book ${file} cannot be read`, { cause });
  }
}
