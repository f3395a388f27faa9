/** The price books that control has activated, and what was agreed, as the control topic tells: complete before the first event is priced, and followed from then on. */
import { type ControlWatch, type DocumentSet, type PriceBookDocument, watchControl } from '@tokenledger/control';
import { AppError, isRejected } from '@tokenledger/domain';
import type { EventLog } from '@tokenledger/event-log';
import {
  agreedSchedule,
  parsePriceBook,
  type PriceActivation,
  type PriceBook,
  priceSchedule,
  type PriceSchedule,
} from '@tokenledger/pricing';
import type { Logger } from '@tokenledger/runtime';
import { agreedPrices, agreementsOf } from './agreements.ts';
import type { InForce } from './core/decide.ts';
import type { PriceView } from './price-view.ts';

export interface LivePricesOptions {
  readonly log: EventLog;
  /** The control topic. */
  readonly topic: string;
  /** In force until the first activation. */
  readonly first: PriceBook;
  readonly logger: Logger;
}

export interface LivePrices extends PriceView {
  close(): Promise<void>;
}

/** Resolves once everything is read. Throws `TOPIC_MISSING`, and what the log throws. */
export async function followPrices({ log, topic, first, logger }: LivePricesOptions): Promise<LivePrices> {
  const books = bookCache();
  const pricesOf = agreedPrices();
  const watch: ControlWatch = await watchControl({
    log,
    topic,
    observer: {
      retrying: ({ error, attempt }) => logger.warn({ err: error, attempt }, 'the control topic could not be read; it is tried again'),
    },
  });
  watch.failed.catch((error: unknown) =>
    logger.error({ err: error }, 'activations of price books are not followed any more, so pricing will stop: start this process again'),
  );
  let known: { readonly documents: DocumentSet; readonly inForce: InForce } | undefined;
  return {
    current() {
      const documents = watch.documents();
      if (known?.documents !== documents) {
        const inForce = { prices: scheduleOf(documents, first, books), agreed: agreedSchedule(agreementsOf(documents, pricesOf)) };
        known = { documents, inForce };
      }
      return known.inForce;
    },
    behindMs: () => watch.behindMs(),
    close: () => watch.close(),
  };
}

type BookOf = (document: PriceBookDocument) => PriceBook;

/** Throws `PRICE_BOOK_UNUSABLE`, retryable: no event may be priced as if an activation were not there. */
export function scheduleOf(documents: DocumentSet, first: PriceBook, bookOf: BookOf): PriceSchedule {
  const activations = documents.of('price_book_activation').map(({ id, price_book: name, activates_at: at }): PriceActivation => {
    const document = documents.get('price_book', name);
    if (document === undefined) throw unusable(id, `the price book '${name}' is not there`);
    return { id, activatesAtMs: Date.parse(at), book: bookOf(document) };
  });
  return priceSchedule(first, activations);
}

/** Reads each book once: one that did not change is the same document in the next set. */
export function bookCache(): BookOf {
  const books = new WeakMap<PriceBookDocument, PriceBook>();
  return (document) => {
    let book = books.get(document);
    if (book === undefined) {
      const parsed = parsePriceBook(document.text);
      if (isRejected(parsed)) throw unusable(document.id, parsed.message);
      books.set(document, (book = parsed));
    }
    return book;
  };
}

function unusable(id: string, why: string): AppError {
  return new AppError('PRICE_BOOK_UNUSABLE', `an activation of '${id}' cannot be followed (${why}): events wait until it can`, {
    retryable: true,
  });
}
