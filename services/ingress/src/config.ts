/** Limits and times of the ingress. Every queue, body and wait has one. */
import { z } from 'zod';

const KIB = 1024;
const MIB = 1024 * KIB;
const GIB = 1024 * MIB;

export const ingressConfig = z.strictObject({
  host: z.string().min(1).default('127.0.0.1').describe('Address to listen on.'),
  port: z.int().min(0).max(65_535).default(8080).describe('Port to listen on; 0 takes any free one.'),
  body_bytes_max: z
    .int()
    .min(1024)
    .default(32 * MIB)
    .describe('Largest request body in bytes; a larger one is answered 413.'),
  free_body_bytes_max: z
    .int()
    .min(1024)
    .default(GIB)
    .describe(
      'Largest body in bytes of a call that costs nothing (files, batches), which is passed on as it comes; a larger one is answered 413.',
    ),
  header_bytes_max: z.int().min(8192).default(32_768).describe('Largest request head in bytes; a larger one is answered 431.'),
  request_bytes_in_flight_max: z
    .int()
    .min(1024)
    .default(512 * MIB)
    .describe('Request bytes held at one time in all, in bytes; beyond it 503.'),
  request_timeout_ms: z.int().min(1000).default(120_000).describe('How long a client may take to send a request, in milliseconds.'),
  headers_timeout_ms: z.int().min(1000).default(20_000).describe('How long a client may take to send a request head, in milliseconds.'),
  keep_alive_timeout_ms: z.int().min(1000).default(72_000).describe('How long an idle client connection is kept, in milliseconds.'),
  answer_stall_timeout_ms: z
    .int()
    .min(1000)
    .default(120_000)
    .describe('How long a client may take nothing of a waiting answer before it is dropped, in milliseconds.'),
  answer_read_bytes_max: z
    .int()
    .min(MIB)
    .default(32 * MIB)
    .describe('Longest answer that is read for usage, in decoded bytes; a longer one passes through with usage unknown.'),
  answer_bytes_held_max: z
    .int()
    .min(MIB)
    .default(256 * MIB)
    .describe('Answer bytes held to be read at one time in all; beyond it answers pass with usage unknown.'),
  connections_max: z.int().min(1).default(10_000).describe('Connections of clients at one time; beyond it a new one is closed at once.'),
  upstream_connections_max: z.int().min(1).default(1024).describe('Connections per channel.'),
  upstream_connect_timeout_ms: z.int().min(100).default(10_000).describe('How long connecting to a provider may take, in milliseconds.'),
  upstream_headers_timeout_ms: z
    .int()
    .min(100)
    .default(600_000)
    .describe('How long a provider may take to begin its answer, in milliseconds.'),
  upstream_idle_timeout_ms: z.int().min(100).default(300_000).describe('Longest silence within an answer, in milliseconds.'),
  retry_buffer_bytes: z
    .int()
    .min(0)
    .default(4 * MIB)
    .describe('Largest request body in bytes that is kept for another attempt where a route allows one; a larger one has one attempt.'),
  breaker_failures: z.int().min(1).default(5).describe('Failures in a row (no answer, 5xx) after which routes pass a channel over.'),
  breaker_open_ms: z
    .int()
    .min(10)
    .default(10_000)
    .describe('How long routes pass a failing channel over, in milliseconds, before one request tries it again.'),
  drain_timeout_ms: z
    .int()
    .min(0)
    .default(120_000)
    .describe('How long an answer is read on after its client has left, in milliseconds; a channel may say otherwise.'),
  drain_bytes_max: z
    .int()
    .min(0)
    .default(16 * MIB)
    .describe('How much of an answer is read on after its client has left, in bytes; a channel may say otherwise.'),
  open_items_max: z
    .int()
    .min(1)
    .default(50_000)
    .describe(
      'Batches and background responses of which is remembered who handed them in; of older ones the results count for whoever reads them first.',
    ),
  result_owner_wait_ms: z
    .int()
    .min(0)
    .max(60_000)
    .default(500)
    .describe('How long the results of a batch wait for the knowledge of who handed it in, where that is not here yet, in milliseconds.'),
  progress_interval_ms: z
    .int()
    .min(100)
    .default(5000)
    .describe('How often what is known of a long answer is written to the journal, for a recovery to estimate from, in milliseconds.'),
  progress_bytes: z
    .int()
    .min(4 * KIB)
    .default(256 * KIB)
    .describe('…and after so many bytes of it, whatever the time.'),
  counting_threads: z
    .int()
    .min(0)
    .max(64)
    .default(1)
    .describe('Threads that count the tokens of requests and answers, beside their way; each takes 60 MB and more. 0: nothing is counted.'),
  counting_deadline_ms: z
    .int()
    .min(10)
    .max(60_000)
    .default(2000)
    .describe(
      'How long a count may take from when a request was sent or its answer was complete, in milliseconds; its event waits so long at most to be published, then goes without (`overload`).',
    ),
  counting_queue_max: z
    .int()
    .min(1)
    .default(2048)
    .describe('Requests and answers that may wait to be counted; beyond it they are not (`overload`).'),
  counting_bytes_max: z
    .int()
    .min(MIB)
    .default(64 * MIB)
    .describe(
      'Bytes of requests and answers that are kept to be counted, and of those that wait for a thread; beyond it they are not (`overload`).',
    ),
  counting_body_bytes_max: z
    .int()
    .min(1024)
    .default(4 * MIB)
    .describe('Longest request or answer that is counted, in decoded bytes (`too_large`).'),
  response_cache_bytes_max: z
    .int()
    .min(0)
    .default(64 * MIB)
    .describe(
      'Memory in bytes for answers of keys and routes that have a response cache; the least recently used leave first. 0: none are kept.',
    ),
  response_cache_answer_bytes_max: z.int().min(1024).default(MIB).describe('Longest answer in bytes that the response cache keeps.'),
  name_entries_max: z
    .int()
    .min(1)
    .default(5000)
    .describe(
      'Different models, names of labels, and values of each field of attribution that rows are grouped by, which one tenant may bring in a day (in each ingress). What comes beyond is recorded as `(overflow)`.',
    ),
  leave_delay_ms: z
    .int()
    .min(0)
    .max(300_000)
    .default(0)
    .describe(
      'How long a stop goes on serving while `/readyz` says no, so that load balancers notice, in milliseconds; part of `shutdown.timeout_ms`, at most half of it.',
    ),
  journal_dir: z
    .string()
    .default('')
    .describe("Where the journal is kept, a directory of this ingress alone; '' is `journal` in the data directory."),
  journal_durability: z
    .enum(['disk', 'process'])
    .default('disk')
    .describe(
      'When a record is safe: once the disk has it, or once the operating system has it (then a power cut may lose the last moments).',
    ),
  journal_sync_interval_ms_max: z
    .number()
    .min(0)
    .max(1_000)
    .default(4)
    .describe(
      'Milliseconds that a sync of the journal may wait under load, counted from the one before: the more answers share a sync, the longer the next gathers its own. Up to three at a time never wait; 0: none ever does.',
    ),
  journal_entries_max: z
    .int()
    .min(1)
    .default(1_000_000)
    .describe('Requests that may be open or wait for the event log; beyond it `journal_on_full` decides.'),
  journal_bytes_max: z
    .int()
    .min(MIB)
    .default(4 * GIB)
    .describe('Bytes of the journal on disk; beyond it `journal_on_full` decides.'),
  journal_segment_bytes_max: z
    .int()
    .min(MIB)
    .default(32 * MIB)
    .describe('Bytes of one segment of the journal; disk space is given back by segments.'),
  journal_memory_bytes_max: z
    .int()
    .min(MIB)
    .default(64 * MIB)
    .describe('Bytes of events that are kept in memory until the event log has them; what is beyond is read from the journal again.'),
  journal_buffer_bytes_max: z
    .int()
    .min(64 * KIB)
    .default(16 * MIB)
    .describe('Bytes of records that may wait for the disk; beyond it requests are refused early.'),
  journal_on_full: z
    .enum(['refuse', 'pass'])
    .default('refuse')
    .describe(
      'What happens to a request that cannot be recorded: refused with 503, or let through and counted in `tokenledger_ingress_unrecorded_total`.',
    ),
  unlanded_warn_ms: z
    .int()
    .min(1000)
    .default(300_000)
    .describe('How long an event may take until it is seen in ClickHouse before `/readyz` says so, in milliseconds.'),
  publish_batch_max: z.int().min(1).default(500).describe('Events per send to the event log.'),
  publish_linger_ms: z.int().min(0).default(50).describe('How long an event may wait for others to be sent along, in milliseconds.'),
  publish_retry_ms_max: z.int().min(10).default(5000).describe('Longest pause between two tries to publish, in milliseconds.'),
  republish_interval_ms: z
    .int()
    .min(10)
    .default(1000)
    .describe('How often is looked for events that did not arrive in ClickHouse, in milliseconds.'),
  republish_quiet_ms: z
    .int()
    .min(100)
    .default(30_000)
    .describe(
      'How long what did not arrive waits in a partition that gets no more events, which would show that it is lost, before it is sent again, in milliseconds; twice as long each time.',
    ),
  announce_interval_ms: z
    .int()
    .min(10)
    .default(1000)
    .describe('How often the ingress says how far its events are numbered, in milliseconds; ten times as rarely while nothing changes.'),
});

export type IngressConfig = z.infer<typeof ingressConfig>;
