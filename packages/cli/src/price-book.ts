/** The price book that the settings name, or the one that ships. */
import { readFileSync } from 'node:fs';
import { AppError, isRejected } from '@tokenledger/domain';
import { parsePriceBook, SHIPPED_PRICE_BOOK, type PriceBook } from '@tokenledger/pricing';
import { besideConfig, type Settings } from './settings.ts';

/** Throws `PRICE_BOOK_UNREADABLE`, `PRICE_BOOK_INVALID`. */
export function readPriceBook(settings: Settings): PriceBook {
  const configured = settings.config.documents.price_book;
  const book = parsePriceBook(readText(configured === '' ? SHIPPED_PRICE_BOOK : besideConfig(settings, configured)));
  if (isRejected(book)) throw new AppError(book.code, book.message);
  return book;
}

function readText(path: string | URL): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const fix = 'correct documents.price_book, or leave it out for the one that ships';
    throw new AppError('PRICE_BOOK_UNREADABLE', `the price book ${String(path)} cannot be read: ${fix}`, { cause });
  }
}
