/** What the ingress counts: requests by outcome, refusals that have no event, what waits to be published, and its own overhead. */
import type { ControlState } from '@tokenledger/control';
import type { Counted } from '@tokenledger/domain';
import type { JournalAlarm, JournalFill } from '@tokenledger/journal';
import { type CounterSeries, createMetrics, type Registry } from '@tokenledger/runtime';
import type { Behind } from './core/lane-ages.ts';
import { countingMetrics } from './counting-metrics.ts';
import type { Counting } from './counting.ts';
import type { RequestEnd, RequestRecord } from './core/usage-event.ts';
import type { NamedField } from './recorded-names.ts';
import { responseCacheMetrics } from './response-cache-metrics.ts';
import type { CacheStats } from './response-cache.ts';

/** Refusals that leave no event behind. */
export type UnrecordedReason = 'key_missing' | 'key_unknown' | 'head_too_large' | 'journal_full' | 'journal_full_passed';

export interface IngressMetrics {
  /** A request that has its event. */
  finished(record: RequestRecord, end: RequestEnd): void;
  unrecorded(reason: UnrecordedReason): void;
  /** A call that costs nothing and has no event, e.g. a list of models. */
  free(surface: string, endpoint: string): void;
  /** A result that the provider identifies was written to the journal, for the first time here. */
  resultPosted(origin: string): void;
  /** An answer whose usage is not looked for: too many bytes of answers are held. */
  unread(): void;
  /** A connection that was not accepted. */
  connectionRefused(): void;
  /** Answers that are read on although their client has left: one more, or one less. */
  draining(change: 1 | -1): void;
  published(count: number): void;
  publishFailed(): void;
  /** Sent again because they did not arrive in ClickHouse; `lost`: the journal had nothing of these any more. */
  republished(events: number, lost: number): void;
  journalAlarm(kind: JournalAlarm['kind']): void;
  /** The documents that requests are decided by from now on. */
  documents(state: ControlState): void;
  /** A request that was refused because its channel cannot be used here. */
  channelUnusable(channelId: string): void;
  /** A channel that routes pass over from now on, since it fails. */
  channelOpened(channelId: string): void;
  /** A further attempt at a request, and why its channel was chosen. */
  attemptFollowed(channelId: string, reason: string): void;
  /** A name beyond the bound of its tenant, recorded as `(overflow)`. */
  nameOverflowed(field: NamedField): void;
  /** An exchange whose local count is done, or is not to be had. */
  counted(counted: Counted): void;
}

/** Values that live elsewhere. */
export interface IngressGauges {
  readonly journalFill: () => JournalFill;
  /** Recorded, and not acknowledged by the log. */
  readonly unpublished: () => Behind;
  /** Recorded, and not seen in ClickHouse. */
  readonly unlanded: () => Behind;
  readonly bytesInFlight: () => number;
  readonly answerBytesHeld: () => number;
  readonly openItems: () => number;
  /** How old the knowledge of documents may be. */
  readonly controlBehindMs: () => number;
  readonly upstreamOrigins: () => number;
  /** Undefined when nothing is counted locally. */
  readonly counting: Pick<Counting, 'stats' | 'bytesHeld'> | undefined;
  readonly responseCache: () => CacheStats;
}

const MICROSECONDS = 1e-6;
const MILLISECONDS = 1e-3;

const inSeconds = ({ oldestMs }: Behind): number => oldestMs * MILLISECONDS;

export function ingressMetrics(registry: Registry, gauges: IngressGauges): IngressMetrics {
  const metrics = createMetrics(registry, 'ingress');
  const requests = metrics.counter('requests_total', 'Requests that have an event, by surface and outcome.', ['surface', 'outcome']);
  const unrecorded = metrics.counter('unrecorded_total', 'Requests refused without an event, by reason.', ['reason']);
  const free = metrics.counter('free_calls_total', 'Calls that cost nothing and have no event.', ['surface', 'endpoint']);
  const results = metrics.counter(
    'results_posted_total',
    'Results of batches and of background responses that were written to the journal.',
    ['origin'],
  );
  const unread = metrics.counter('answers_unread_total', 'Answers that passed unread, their usage unknown, for want of room to hold them.');
  const refused = metrics.counter('connections_refused_total', 'Connections beyond the bound, closed as they came.');
  const draining = metrics.gauge('draining', 'Answers that are read on although their client has left.');
  const published = metrics.counter('published_total', 'Events that the event log holds.');
  const alarms = metrics.counter(
    'journal_alarms_total',
    'Writes and reads of the journal that failed, damage found in it, and sources set aside, by kind.',
    ['kind'],
  );
  const republished = metrics.counter('republished_total', 'Events that did not arrive in ClickHouse and were sent again.');
  const lostEvents = metrics.counter('journal_lost_total', 'Numbers that did not arrive and whose events the journal has no more.');
  const failures = metrics.counter('publish_failures_total', 'Sends to the event log that failed and were tried again.');
  // Sums without buckets: a histogram costs more than all else here, and quantiles can be asked of `overhead_us` and `duration_ms` in the ledger.
  let overheadUs = 0;
  let durationMs = 0;
  metrics.counterOf(
    'overhead_seconds_total',
    'Time the ingress added before the first byte left for the provider.',
    () => overheadUs * MICROSECONDS,
  );
  metrics.counterOf('duration_seconds_total', 'From requests accepted to their answers complete.', () => durationMs * MILLISECONDS);
  metrics.gaugeOf('journal_entries', 'Requests open or waiting for the event log.', () => gauges.journalFill().entries);
  metrics.gaugeOf('journal_fill_ratio', 'How full the journal is, 0 to 1; at 1 requests are refused.', () => {
    const fill = gauges.journalFill();
    return Math.max(fill.entries / fill.entriesMax, fill.bytes / fill.bytesMax);
  });
  metrics.gaugeOf('journal_bytes', 'Bytes of the journal on disk.', () => gauges.journalFill().bytes);
  metrics.gaugeOf('unpublished_events', 'Events that the event log does not have yet.', () => gauges.unpublished().events);
  metrics.gaugeOf('publish_lag_seconds', 'Age of the oldest event that the event log does not have yet; 0 when it has all.', () =>
    inSeconds(gauges.unpublished()),
  );
  metrics.gaugeOf(
    'unlanded_events',
    'Events that were not seen in ClickHouse yet: the journal keeps them.',
    () => gauges.unlanded().events,
  );
  metrics.gaugeOf('unlanded_age_seconds', 'Age of the oldest event that was not seen in ClickHouse yet; 0 when all were.', () =>
    inSeconds(gauges.unlanded()),
  );
  metrics.gaugeOf('open_items', 'Batches and background responses of which is known who handed them in.', gauges.openItems);
  metrics.gaugeOf('answer_bytes_held', 'Answer bytes held to be read at this moment.', gauges.answerBytesHeld);
  metrics.gaugeOf('request_bytes_in_flight', 'Request bytes held at this moment.', gauges.bytesInFlight);
  metrics.gaugeOf(
    'upstream_origins',
    'Origins that connections are kept for, those of deleted channels that drain included.',
    gauges.upstreamOrigins,
  );
  metrics.gaugeOf(
    'control_behind_seconds',
    'Since the control topic was last read to its end: changes since are not known.',
    () => gauges.controlBehindMs() * MILLISECONDS,
  );
  responseCacheMetrics(metrics, gauges.responseCache);
  const keys = metrics.gauge('control_keys', 'Virtual keys that are known, revoked ones included.');
  const channels = metrics.gauge('control_channels', 'Channels that are known, unusable ones included.');
  const problems = metrics.gauge('control_problems', 'Documents that this process cannot use, by code.', ['code']);
  const unusable = metrics.counter('channel_unusable_total', 'Requests refused because their channel has no credential here, by channel.', [
    'channel',
  ]);
  const opened = metrics.counter(
    'channel_opened_total',
    'Times that routes began to pass a channel over because it failed, and went on to after a trial, by channel.',
    ['channel'],
  );
  const followed = metrics.counter(
    'attempts_followed_total',
    'Attempts after the first of a request, by their channel and why it was chosen.',
    ['channel', 'reason'],
  );
  const overflowed = metrics.counter(
    'names_overflowed_total',
    'Models, labels and values of attribution beyond the bound of their tenant, recorded as (overflow), by field.',
    ['field'],
  );
  const problemCodes = new Set<string>();
  const byOutcome = new Map<string, CounterSeries>();
  return {
    finished({ surface, overheadUs: addedUs }, end) {
      const key = `${surface} ${end.outcome}`;
      let series = byOutcome.get(key);
      if (series === undefined) byOutcome.set(key, (series = requests.with({ surface, outcome: end.outcome })));
      series.inc();
      overheadUs += addedUs ?? 0;
      durationMs += end.durationMs ?? 0;
    },
    unrecorded: (reason) => unrecorded.with({ reason }).inc(),
    resultPosted: (origin) => results.with({ origin }).inc(),
    free: (surface, endpoint) => free.with({ surface, endpoint }).inc(),
    nameOverflowed: (field) => overflowed.with({ field }).inc(),
    unread: () => unread.inc(),
    connectionRefused: () => refused.inc(),
    draining: (change) => draining.inc(change),
    published: (count) => published.inc(count),
    journalAlarm: (kind) => alarms.with({ kind }).inc(),
    publishFailed: () => failures.inc(),
    republished(events, lost) {
      republished.inc(events);
      lostEvents.inc(lost);
    },
    documents(state) {
      keys.set(state.keyCount);
      channels.set(state.channels.length);
      for (const { code } of state.problems) problemCodes.add(code);
      for (const code of problemCodes) problems.with({ code }).set(state.problems.filter((problem) => problem.code === code).length);
    },
    channelUnusable: (channelId) => unusable.with({ channel: channelId }).inc(),
    channelOpened: (channelId) => opened.with({ channel: channelId }).inc(),
    attemptFollowed: (channelId, reason) => followed.with({ channel: channelId, reason }).inc(),
    counted: countingMetrics(metrics, gauges.counting),
  };
}
