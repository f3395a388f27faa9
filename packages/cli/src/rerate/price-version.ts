/** Which price book an operator means. */
import type { DocumentSet } from '@tokenledger/control';
import { AppError, isRejected } from '@tokenledger/domain';
import { parsePriceBook, type PriceBook } from '@tokenledger/pricing';

/** Fewer characters of a hash could be an id by chance, and two books. */
const HASH_CHARACTERS_MIN = 8;

export interface KnownBooks {
  readonly documents: Pick<DocumentSet, 'of'>;
  /** Name and book: those that need no document. Read when asked, since a book is large. */
  readonly others: readonly (readonly [name: string, read: () => PriceBook])[];
}

/** `version`: the id of a `price_book` document, the name of another, or its version or the first eight characters or more of that.
 *  Throws `PRICE_VERSION_UNKNOWN`, `PRICE_BOOK_INVALID`. */
export function findPriceBook(version: string, { documents, others }: KnownBooks): PriceBook {
  const byDocument = documents.of('price_book');
  const named = byDocument.find(({ id }) => id === version);
  if (named !== undefined) return parsed(named.text);
  const other = others.find(([name]) => name === version);
  if (other !== undefined) return other[1]();
  const books = [...others.map(([, read]) => read()), ...byDocument.map(({ text }) => parsed(text))];
  const found = version.length < HASH_CHARACTERS_MIN ? [] : books.filter((book) => book.version.startsWith(version));
  const [first] = found;
  if (first !== undefined && found.every((book) => book.version === first.version)) return first;
  const names = [...byDocument.map(({ id }) => id), ...others.map(([name]) => name)].toSorted().join(', ');
  throw new AppError(
    'PRICE_VERSION_UNKNOWN',
    first === undefined ? `no price book is '${version}'; there are ${names}` : `'${version}' begins the versions of several price books`,
  );
}

function parsed(text: string): PriceBook {
  const book = parsePriceBook(text);
  if (isRejected(book)) throw new AppError(book.code, book.message);
  return book;
}
