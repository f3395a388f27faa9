/** Prices and agreements as the documents and the settings have them, for what is rated outside the pricer. */
import { type DocumentSet, watchControl } from '@tokenledger/control';
import { agreedPrices, agreementsOf } from '@tokenledger/pricer';
import {
  type Agreements,
  agreedSchedule,
  type AgreedSchedule,
  type PriceBook,
  priceSchedule,
  type PriceSchedule,
} from '@tokenledger/pricing';
import type { ClosedPeriod } from '@tokenledger/rerating';
import type { LedgerAccess } from '../ledger.ts';
import { readPriceBook } from '../price-book.ts';
import type { Settings } from '../settings.ts';
import { findPriceBook } from './price-version.ts';

export async function readDocuments({ log, topics }: LedgerAccess): Promise<DocumentSet> {
  const watch = await watchControl({ log, topic: topics.control });
  try {
    return watch.documents();
  } finally {
    await watch.close();
  }
}

/** What was agreed is chosen by when it is in force, also where it was written down later. */
export function agreedAt(documents: DocumentSet): AgreedSchedule {
  return agreedSchedule(agreementsIn(documents), 'effective');
}

export function agreementsIn(documents: DocumentSet): Agreements {
  return agreementsReader()(documents);
}

/** Reads the prices of each document once. */
export function agreementsReader(): (documents: DocumentSet) => Agreements {
  const prices = agreedPrices();
  return (documents) => agreementsOf(documents, prices);
}

export function closedPeriods(documents: DocumentSet): readonly ClosedPeriod[] {
  return documents
    .of('closed_period')
    .map(({ id, tenant, from, to }) => ({ id, tenant: tenant ?? '', fromMs: Date.parse(from), toMs: Date.parse(to) }));
}

/** Throws what `findPriceBook` throws. */
export function namedBook(settings: Settings, documents: DocumentSet, version: string): PriceBook {
  const shipped = { ...settings, config: { ...settings.config, documents: { ...settings.config.documents, price_book: '' } } };
  return findPriceBook(version, {
    documents,
    others: [
      ['configured', () => readPriceBook(settings)],
      ['shipped', () => readPriceBook(shipped)],
    ],
  });
}

/** Which book holds when, as the pricer has it. Throws what `findPriceBook` throws. */
export function activatedBooks(settings: Settings, documents: DocumentSet): PriceSchedule {
  const activations = documents.of('price_book_activation').map(({ id, price_book: book, activates_at: at }) => ({
    id,
    activatesAtMs: Date.parse(at),
    book: namedBook(settings, documents, book),
  }));
  return priceSchedule(readPriceBook(settings), activations);
}
