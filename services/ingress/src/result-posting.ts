/** Posts what providers state under names of their own: each result once, as an event of its own source, whoever reads it and however often. */
import { AppError, type Attribution, type UsageEvent } from '@tokenledger/domain';
import type { ForeignSource, Journal } from '@tokenledger/journal';
import { backgroundResult, type IdentifiedResult, type ObservedAnswer, type ResultFact } from '@tokenledger/providers';
import { encodeUsageEvent } from '@tokenledger/schemas';
import type { IngressConfig } from './config.ts';
import { importEvent } from './core/import-event.ts';
import type { IngressMetrics } from './metrics.ts';
import type { OpenItem, OpenItems } from './open-items.ts';
import { type ResultAccount, resultEventId, resultPartition, resultSource } from './result-identity.ts';

export interface ResultsOptions {
  readonly journal: Pick<Journal, 'foreign'>;
  readonly items: OpenItems;
  /** Of the usage topics. */
  readonly partitions: number;
  /** How long is waited for the knowledge of who handed something in. */
  readonly ownerWaitMs: number;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  /** Something of this source is about to be posted: what lands of it is of interest. */
  readonly follow: (source: string, partition: number) => void;
  readonly onPosted: (result: IdentifiedResult) => void;
}

/** Who reads, and from where. */
export interface ResultReading {
  readonly channel: { readonly id: string; readonly provider: string; readonly region: string };
  readonly requestId: string;
  readonly attribution: Attribution;
}

export interface Results {
  /** `submission` was answered with a name, under which its results will be. */
  submitted(account: ResultAccount, name: string, submission: UsageEvent): void;
  /** For what one answer tells. */
  session(reading: ResultReading): ResultSession;
}

export interface ResultSession {
  take(fact: ResultFact): void;
  /** Resolves once the journal has all that was taken, safe or not: more may be read. Throws `JOURNAL_FULL`. */
  caughtUp(): Promise<void>;
  /** Resolves once all that was taken is safe. Throws `JOURNAL_FULL`. */
  safe(): Promise<void>;
  /** Nothing more is taken. */
  end(): void;
}

/** What one call was answered with, and its event. */
export interface Answered {
  readonly channel: ResultReading['channel'];
  readonly observed: ObservedAnswer;
  readonly submission: UsageEvent;
}

/** Others know from now on who handed it in; and usage that is here already is posted. Resolves once that is safe, rejects when it cannot be recorded. */
export async function postAnswered(context: PostingContext, { channel, observed, submission }: Answered): Promise<void> {
  if (observed.identified === undefined) return;
  context.results.submitted({ provider: channel.provider, channelId: channel.id }, observed.identified.id, submission);
  const result = backgroundResult(observed);
  if (result === undefined) return;
  const session = context.results.session({ channel, requestId: submission.requestId, attribution: submission.attribution });
  session.take(result);
  await recorded(context, session.safe()).finally(() => session.end());
}

/** What posting needs to know of a journal that is full. */
export interface PostingContext {
  readonly results: Results;
  readonly config: Pick<IngressConfig, 'journal_on_full'>;
  readonly metrics: Pick<IngressMetrics, 'unrecorded'>;
}

/** What the journal does not take is passed on all the same where the operator wants it so. */
export async function recorded({ config, metrics }: PostingContext, posting: Promise<void>): Promise<void> {
  try {
    await posting;
  } catch (error) {
    if (config.journal_on_full !== 'pass' || !(error instanceof AppError && error.code === 'JOURNAL_FULL')) throw error;
    metrics.unrecorded('journal_full_passed');
  }
}

/** Sources of which all is posted: whoever polls a response, or reads a file again, does not post it again. Beyond these it is posted again, and dropped as a repeat. */
const DONE_MAX = 20_000;
/** Results of one answer that may wait for the journal: what one chunk holds, unless it was packed to be unpacked into something huge. */
const WAITING_MAX = 50_000;

export function resultPosting(options: ResultsOptions): Results {
  const done = new Set<string>();
  return {
    submitted(account, name, submission) {
      const source = resultSource(account, name);
      options.items.add(source, { submission, partition: resultPartition(source, options.partitions) });
    },
    session: (reading) => new Session(options, reading, done),
  };
}

interface Posting {
  readonly lane: ForeignSource;
  readonly item: OpenItem | undefined;
  /** The highest number that was asked to be posted. */
  last: number;
  /** All of the source was. */
  isWhole: boolean;
}

class Session implements ResultSession {
  readonly #options: ResultsOptions;
  readonly #reading: ResultReading;
  readonly #account: ResultAccount;
  readonly #done: Set<string>;
  readonly #postings = new Map<string, Posting>();
  #waiting: ResultFact[] = [];
  #running: Promise<void> | undefined;
  #overrun = false;

  constructor(options: ResultsOptions, reading: ResultReading, done: Set<string>) {
    this.#options = options;
    this.#reading = reading;
    this.#account = { provider: reading.channel.provider, channelId: reading.channel.id };
    this.#done = done;
  }

  take(fact: ResultFact): void {
    if (fact.kind === 'named') this.#named(fact.id, fact.names);
    else if (!this.#done.has(resultSource(this.#account, fact.name))) {
      if (this.#waiting.length < WAITING_MAX) this.#waiting.push(fact);
      else this.#overrun = true;
    }
  }

  async caughtUp(): Promise<void> {
    while (this.#waiting.length > 0 || this.#running !== undefined) {
      this.#running ??= this.#postAll().finally(() => (this.#running = undefined));
      await this.#running;
    }
    if (this.#overrun) throw journalFull();
  }

  async safe(): Promise<void> {
    await this.caughtUp();
    for (const [source, { lane, last, isWhole }] of this.#postings) {
      await new Promise<void>((resolve) => lane.onSynced(last, resolve));
      if (isWhole) this.#remember(source);
    }
  }

  end(): void {
    for (const { lane } of this.#postings.values()) lane.release();
    this.#postings.clear();
    this.#waiting = [];
  }

  /** The results of a batch are in files: whoever reads one of these is told whose it is. */
  #named(id: string, names: readonly string[]): void {
    const item = this.#options.items.find(resultSource(this.#account, id));
    if (item === undefined) return;
    for (const name of names) {
      const source = resultSource(this.#account, name);
      if (this.#options.items.find(source) !== undefined) continue;
      this.#options.items.add(source, { ...item, partition: resultPartition(source, this.#options.partitions) });
    }
  }

  async #postAll(): Promise<void> {
    const results = this.#waiting;
    this.#waiting = [];
    for (const result of results) if (result.kind === 'result') await this.#post(result);
  }

  async #post(result: IdentifiedResult): Promise<void> {
    const source = resultSource(this.#account, result.name);
    const posting = this.#postings.get(source) ?? (await this.#begin(source));
    posting.last = result.sequence;
    posting.isWhole = result.origin !== 'batch_line';
    // Somebody reads it at the same time, or has before: it is there.
    if (result.sequence <= posting.lane.last) return;
    const event = importEvent(result, {
      source,
      eventId: resultEventId(source, result.sequence),
      submission: posting.item?.submission,
      reader: this.#reading,
      channel: this.#reading.channel,
      nowMs: this.#options.now(),
    });
    await add(posting.lane, event);
    this.#options.onPosted(result);
  }

  async #begin(source: string): Promise<Posting> {
    const item = await this.#options.items.awaited(source, this.#options.ownerWaitMs);
    const partition = item?.partition ?? resultPartition(source, this.#options.partitions);
    const lane = this.#options.journal.foreign(source, partition);
    if (lane === null) throw journalFull();
    this.#options.follow(source, lane.partition);
    const posting: Posting = { lane, item, last: 0, isWhole: false };
    this.#postings.set(source, posting);
    return posting;
  }

  #remember(source: string): void {
    this.#done.add(source);
    for (const oldest of this.#done) {
      if (this.#done.size <= DONE_MAX) return;
      this.#done.delete(oldest);
    }
  }
}

/** A journal that does not take it may just wait for its disk. */
async function add(lane: ForeignSource, event: UsageEvent): Promise<void> {
  const value = encodeUsageEvent(event);
  const { virtualKeyId } = event.attribution;
  if (lane.add(event.sequence, virtualKeyId, value)) return;
  await new Promise<void>((resolve) => lane.onSynced(lane.last, resolve));
  // Others may have added it meanwhile.
  if (event.sequence <= lane.last || lane.add(event.sequence, virtualKeyId, value)) return;
  throw journalFull();
}

function journalFull(): AppError {
  return new AppError('JOURNAL_FULL', 'a result cannot be recorded, so its end is not passed on', { retryable: true });
}
