/** Keeps the tables of prices, contracts, rate cards and rates of exchange equal to the documents of the control topic. Rows are inserted again rather than
 *  missed: the tables keep one of each. */
import { type ClickHouse, quoteName } from '@tokenledger/clickhouse';
import { type AgreedDocument, type ControlDocument, type ControlRecord, type ControlWatch, watchControl } from '@tokenledger/control';
import { isRejected } from '@tokenledger/domain';
import { type EventLog, type Pacing, systemPacing } from '@tokenledger/event-log';
import { parsePriceBook, type PriceBook } from '@tokenledger/pricing';
import { bookRows, contractRows, deletedRows, fxRateRows, rateCardRows, type RowsOf, TABLES } from './core/price-rows.ts';

export interface PriceTablesOptions {
  readonly clickhouse: ClickHouse;
  readonly log: EventLog;
  /** The control topic. */
  readonly topic: string;
  /** In force until the control topic activates another. */
  readonly priceBook: PriceBook;
  readonly pacing?: Pacing;
  /** It is tried again. */
  readonly onFailure: (error: unknown) => void;
}

export interface PriceTables {
  close(): Promise<void>;
}

/** How often it looks whether something has changed, or tries again. */
const LOOK_MS = 1_000;
const RETRY_MS = 10_000;

type AgreedKind = AgreedDocument['kind'];
const AGREED_KINDS = Object.keys(TABLES) as readonly AgreedKind[];

export function keepPriceTables(options: PriceTablesOptions): PriceTables {
  const { clickhouse, priceBook, pacing = systemPacing } = options;
  const closed = new AbortController();
  const booksOf = bookReader();
  /** What was seen to be there, by this process: books by their version, documents as `kind/id/version`. */
  const there = new Set<string>();
  const running = run();
  return {
    async close() {
      closed.abort();
      await running;
    },
  };

  async function run(): Promise<void> {
    let watch: ControlWatch | undefined;
    let kept: object | undefined;
    while (!closed.signal.aborted) {
      let waitMs = LOOK_MS;
      try {
        watch ??= await watchControl({ log: options.log, topic: options.topic });
        const documents = watch.documents();
        if (documents !== kept) await keep([...watch.records.values()]);
        kept = documents;
      } catch (error) {
        if (!closed.signal.aborted) options.onFailure(error);
        waitMs = RETRY_MS;
      }
      await pacing.wait(waitMs, closed.signal);
    }
    await watch?.close();
  }

  async function keep(records: readonly ControlRecord[]): Promise<void> {
    await keepBook(priceBook);
    for (const { document } of records) {
      const book = document === null ? null : booksOf(document);
      if (book !== null) await keepBook(book);
    }
    for (const kind of AGREED_KINDS) await keepDocuments(kind, records);
  }

  async function keepBook(book: PriceBook): Promise<void> {
    if (there.has(book.version)) return;
    const [row] = await clickhouse.query<{ readonly entries: string }>(
      `SELECT uniqExact(entry_id) AS entries FROM ${inDatabase('price_book_entries')} WHERE price_version = {version:String}`,
      { params: { version: book.version } },
    );
    if (Number(row?.entries ?? 0) < book.entries.length) await insert(bookRows(book));
    there.add(book.version);
  }

  async function keepDocuments(kind: AgreedKind, records: readonly ControlRecord[]): Promise<void> {
    const name = ({ id, version }: { readonly id: string; readonly version: number }): string => `${kind}/${id}/${version}`;
    const wanted = records.filter((record) => record.kind === kind && record.version > 0 && !there.has(name(record)));
    if (wanted.length === 0) return;
    const [table, column] = TABLES[kind];
    const known = await clickhouse.query<{ readonly id: string; readonly version: string }>(
      `SELECT ${column} AS id, max(version) AS version FROM ${inDatabase(table)} GROUP BY id`,
    );
    const versions = new Map(known.map(({ id, version }) => [id, Number(version)]));
    for (const record of wanted) {
      if ((versions.get(record.id) ?? 0) < record.version) await insert(rowsOf(kind, record));
      there.add(name(record));
    }
  }

  function rowsOf(kind: AgreedKind, { id, version, document }: ControlRecord): RowsOf {
    switch (document?.kind) {
      case 'contract':
        return contractRows({ version, document }, booksOf(document)?.version ?? '');
      case 'rate_card':
        return rateCardRows({ version, document }, booksOf(document)?.version ?? '');
      case 'fx_rate':
        return fxRateRows({ version, document });
      default:
        return deletedRows(kind, id, version);
    }
  }

  async function insert({ table, columns, rows }: RowsOf): Promise<void> {
    await clickhouse.insertRows(inDatabase(table), columns, rows);
  }

  function inDatabase(table: string): string {
    return `${quoteName(clickhouse.database)}.${quoteName(table)}`;
  }
}

/** Reads the prices of each document once. Null where it has none, or none that this version can read: then no event is rated by them either. */
function bookReader(): (document: ControlDocument) => PriceBook | null {
  const books = new WeakMap<ControlDocument, PriceBook | null>();
  return (document) => {
    const known = books.get(document);
    if (known !== undefined) return known;
    const text = textOf(document);
    const parsed = text === undefined ? null : parsePriceBook(text);
    const book = parsed === null || isRejected(parsed) ? null : parsed;
    books.set(document, book);
    return book;
  };
}

function textOf(document: ControlDocument): string | undefined {
  if (document.kind === 'price_book') return document.text;
  return document.kind === 'contract' || document.kind === 'rate_card' ? document.prices : undefined;
}
