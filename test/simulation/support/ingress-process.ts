/** One ingress: the real journal, its recovery and the real publisher, under requests that keep the order of the real exchange.
 *
 *  opened, on the operating system ▸ sent to the provider ▸ opened, on disk ▸ first byte ▸ closed, on disk ▸ end of the answer */
import { UNKNOWN_USAGE } from '@tokenledger/domain';
import {
  type AttemptRecord,
  type IngressConfig,
  ingressConfig,
  ingressMetrics,
  openDelivery,
  openedRequest,
  type RequestEnd,
  type RequestRecord,
  usageEvent,
} from '@tokenledger/ingress';
import type { Journal, JournalEntry, SimulatedDisk } from '@tokenledger/journal';
import { createRegistry, silentLogger } from '@tokenledger/runtime';
import { encodeOpenedRequest, encodeUsageEvent } from '@tokenledger/schemas';
import type { ClientView } from './client-view.ts';
import type { Life } from './life.ts';
import { diskOf, logOf, pacingOf } from './process-ports.ts';
import type { BilledAttempt, Provider } from './provider.ts';
import { blankAttribution, MODEL, PROVIDER, SURFACE } from './request-facts.ts';
import type { World } from './world.ts';

const KIB = 1_024;
const CONFIG: IngressConfig = {
  ...ingressConfig.parse({}),
  journal_entries_max: 400,
  journal_bytes_max: 4_000 * KIB,
  journal_buffer_bytes_max: 100 * KIB,
  journal_memory_bytes_max: 20 * KIB,
  journal_segment_bytes_max: 24 * KIB,
  publish_batch_max: 60,
  publish_linger_ms: 15,
  publish_retry_ms_max: 200,
  republish_interval_ms: 60,
  republish_quiet_ms: 300,
  announce_interval_ms: 100,
};
const SESSION_MS = 60;
const LOGGER = silentLogger();
const METRICS = ingressMetrics(createRegistry({ processMetrics: false }), {
  journalFill: () => ({ entries: 0, open: 0, entriesMax: 1, bytes: 0, bytesMax: 1 }),
  bytesInFlight: () => 0,
  answerBytesHeld: () => 0,
  openItems: () => 0,
  unpublished: () => ({ events: 0, oldestMs: 0 }),
  unlanded: () => ({ events: 0, oldestMs: 0 }),
  controlBehindMs: () => 0,
  upstreamOrigins: () => 0,
  counting: undefined,
  responseCache: () => ({ entries: 0, bytes: 0, hits: 0, misses: 0, stored: 0, evicted: 0 }),
});

const CHANNEL = {
  channelId: 'main',
  provider: PROVIDER,
  region: '',
  requestedModel: MODEL,
  routeType: 'direct',
  routeReason: 'first_channel_of_surface',
} as const;

interface InHand {
  readonly view: ClientView;
  readonly record: RequestRecord;
  readonly entry: JournalEntry;
  readonly key: string;
  began: boolean;
}

export interface IngressMachine {
  readonly disk: SimulatedDisk;
  /** Milliseconds since the epoch, as its clock says. */
  readonly now: () => number;
  readonly newId: () => string;
}

export class IngressProcess {
  readonly life: Life;
  readonly journal: Journal;
  /** Opened, and not known to be over. */
  readonly inHand = new Set<InHand>();
  readonly #world: World;
  readonly #now: () => number;

  /** Throws what a start throws: the process ends then. */
  static async start(world: World, life: Life, { disk, now, newId }: IngressMachine): Promise<IngressProcess> {
    const { journal } = await openDelivery({
      config: { ...CONFIG, journal_durability: world.variant.durability },
      log: logOf(world.log, life, world.clock, SESSION_MS),
      topics: world.topics,
      directory: '',
      disk: diskOf(disk, life),
      logger: LOGGER,
      metrics: { ...METRICS, journalAlarm: (kind) => world.onAlarm(kind) },
      pacing: pacingOf(world.clock, life),
      now,
      newId,
    });
    return new IngressProcess(world, life, journal, now);
  }

  private constructor(world: World, life: Life, journal: Journal, now: () => number) {
    this.#world = world;
    this.life = life;
    this.journal = journal;
    this.#now = now;
  }

  /** Nothing is in hand, and the journal knows that all it had is in ClickHouse. */
  get hasLanded(): boolean {
    return this.inHand.size === 0 && this.journal.lanes().every(({ landed, last }) => landed === last);
  }

  /** A request comes in. */
  accept(): void {
    this.life.take(() => this.#open());
  }

  #open(): void {
    const { chance, provider } = this.#world;
    const { journal } = this;
    const occurredAtMs = Math.floor(this.#now());
    const eventId = chance.id(occurredAtMs);
    const attemptId = chance.id(occurredAtMs);
    const key = chance.integer(0, this.#world.keys);
    const record: RequestRecord = {
      eventId,
      requestId: eventId,
      occurredAtMs,
      attribution: blankAttribution(`key-${key}`),
      surface: SURFACE,
      requestedModel: MODEL,
      streamed: true,
      traceId: '',
      promptFingerprint: '',
      lastToolFingerprint: '',
      requestBytes: 100,
      overheadUs: null,
      holdsMedia: false,
    };
    const view: ClientView = {
      attemptId,
      acceptedAtMs: occurredAtMs,
      refused: false,
      openingSafe: false,
      sawEnd: false,
      ingressLost: 'no',
    };
    this.#world.views.push(view);
    const entry = journal.open({
      partition: key % this.#world.partitions,
      facts: () => encodeOpenedRequest(openedRequest(record, { ...CHANNEL, attemptId, startedAtMs: occurredAtMs })),
    });
    if (entry === null) {
      view.refused = true;
      return;
    }
    const inHand: InHand = { view, record, entry, key: `key-${key}`, began: false };
    this.inHand.add(inHand);
    journal.onSynced(entry.position, () => {
      view.openingSafe = true;
      this.#world.safe += 1;
    });
    journal.onWritten(entry.position, () => this.#dispatch(provider, inHand));
  }

  #dispatch(provider: Provider, inHand: InHand): void {
    void provider.call(inHand.view.attemptId, {
      began: () =>
        this.life.take(() => {
          inHand.began = true;
        }),
      ended: (billed) => this.life.take(() => this.journal.onSynced(inHand.entry.position, () => this.#close(inHand, billed))),
      failed: () => this.life.take(() => this.#close(inHand, null)),
    });
  }

  #close(inHand: InHand, billed: BilledAttempt | null): void {
    const { view, record, entry, key } = inHand;
    const nowMs = Math.max(Math.floor(this.#now()), record.occurredAtMs);
    const end: RequestEnd = {
      outcome: billed === null ? 'upstream_error' : 'ok',
      httpStatus: billed === null ? 502 : 200,
      errorClass: '',
      responseBytes: null,
      timeToFirstByteMs: null,
      timeToFirstTokenMs: null,
      durationMs: nowMs - record.occurredAtMs,
    };
    const position = this.journal.close(entry, key, (sequence) =>
      encodeUsageEvent(usageEvent(record, end, attemptOf(view, billed), { source: this.journal.source, sequence, recordedAtMs: nowMs })),
    );
    this.journal.onSynced(position, () => {
      view.sawEnd = true;
      this.inHand.delete(inHand);
    });
  }
}

function attemptOf({ attemptId, acceptedAtMs }: ClientView, billed: BilledAttempt | null): AttemptRecord {
  const answer: AttemptRecord['answer'] =
    billed === null
      ? null
      : {
          usage: { ...UNKNOWN_USAGE, uncached_input: billed.inputTokens, visible_output: billed.outputTokens },
          usageReason: '',
          usageFlags: [],
          rawUsage: '',
          servedModel: MODEL,
          serviceTier: '',
          upstreamId: '',
          finishReason: 'stop',
          errorClass: '',
          complete: true,
        };
  return {
    ...CHANNEL,
    attemptId,
    startedAtMs: acceptedAtMs,
    durationMs: 1,
    timeToFirstByteMs: null,
    httpStatus: billed === null ? null : 200,
    errorClass: '',
    upstreamRequestId: '',
    answer,
    estimate: null,
    reasonWithoutAnswer: 'upstream_error',
  };
}
