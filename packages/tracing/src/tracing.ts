/** Takes finished requests, and builds and sends their spans later, in batches, one at a time. What does not fit is dropped and counted: a receiver
 *  that is slow, or gone, costs spans and never a request. */
import type { UsageEvent } from '@tokenledger/domain';
import { type Logger, type Part, type Registry, within } from '@tokenledger/runtime';
import type { TracingConfig } from './config.ts';
import type { ServerAddress } from './core/attributes.ts';
import { spansOf } from './core/spans.ts';
import { type Trace, traceOf } from './core/trace-context.ts';
import { type DropReason, tracingMetrics } from './metrics.ts';
import type { SpanExporter } from './otlp-exporter.ts';
import type { RequestTracing } from './request-tracing.ts';

export interface TracingOptions {
  readonly config: TracingConfig;
  readonly logger: Logger;
  readonly metrics: Registry;
  /** Version of the program, for the spans. */
  readonly version: string;
  /** Text behind `env:NAME` or `file:PATH`. Throws when there is none. */
  readonly readSecret: (reference: string) => string;
}

export interface Tracing extends RequestTracing, Part {}

interface Finished {
  readonly trace: Trace;
  readonly event: UsageEvent;
  readonly baseUrls: readonly string[];
}

/** Share of the stop's time in which waiting spans may be sent; the rest is for letting go of connections. */
const SENDING_SHARE = 0.9;

/** Undefined when no endpoint is configured: then nothing of it is loaded and nothing costs anything. */
export function createTracing(options: TracingOptions): Tracing | undefined {
  return options.config.endpoint === '' ? undefined : new BatchedTracing(options);
}

class BatchedTracing implements Tracing {
  readonly name = 'tracing';
  readonly #options: TracingOptions;
  readonly #metrics: ReturnType<typeof tracingMetrics>;
  readonly #queue: Finished[] = [];
  #exporter: SpanExporter | undefined;
  #timer: NodeJS.Timeout | undefined;
  #sending: Promise<void> | undefined;
  #stopping = false;
  #failing = false;

  constructor(options: TracingOptions) {
    this.#options = options;
    this.#metrics = tracingMetrics(options.metrics, () => this.#queue.length);
  }

  begin(traceparent: string | undefined, requestId: string): Trace {
    return traceOf(traceparent, requestId, this.#options.config.sample_ratio);
  }

  finished(trace: Trace, event: UsageEvent, baseUrls: readonly string[]): void {
    if (!trace.sampled) return;
    const { queue_events_max: waitingMax, batch_events_max: batchMax, batch_delay_ms: delayMs } = this.#options.config;
    if (this.#stopping || this.#queue.length >= waitingMax) {
      this.#drop(this.#stopping ? 'stopped' : 'queue_full', [{ trace, event, baseUrls }]);
      return;
    }
    this.#queue.push({ trace, event, baseUrls });
    if (this.#queue.length === batchMax) this.#wakeIn(0);
    else if (this.#timer === undefined) this.#wakeIn(delayMs);
  }

  async start(): Promise<void> {
    const { config, readSecret, version } = this.#options;
    const headers = Object.fromEntries(Object.entries(config.headers).map(([name, reference]) => [name, readSecret(reference)]));
    const { otlpExporter } = await import('./otlp-exporter.ts');
    this.#exporter = otlpExporter({
      endpoint: config.endpoint,
      headers,
      serviceName: config.service_name,
      version,
      timeoutMs: config.export_timeout_ms,
    });
  }

  async stop(deadlineMs: number): Promise<{ readonly left: string }> {
    clearTimeout(this.#timer);
    this.#stopping = true;
    await within(this.#sendAll(), deadlineMs * SENDING_SHARE);
    const left = this.#queue.splice(0);
    this.#drop('stopped', left);
    if (this.#exporter !== undefined) await within(this.#exporter.close(), deadlineMs * (1 - SENDING_SHARE));
    return { left: left.length === 0 ? '' : `the spans of ${left.length} requests were not exported` };
  }

  #wakeIn(delayMs: number): void {
    if (this.#sending !== undefined) return; // whoever sends looks again
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      this.#sending = this.#sendFull();
    }, delayMs);
  }

  /** Sends at least one batch, and goes on while there is a full one. */
  async #sendFull(): Promise<void> {
    const { batch_events_max: batchMax, batch_delay_ms: delayMs } = this.#options.config;
    do await this.#sendBatch();
    while (!this.#stopping && this.#queue.length >= batchMax);
    this.#sending = undefined;
    if (!this.#stopping && this.#queue.length > 0) this.#wakeIn(delayMs);
  }

  async #sendAll(): Promise<void> {
    await this.#sending;
    while (this.#queue.length > 0) await this.#sendBatch();
  }

  async #sendBatch(): Promise<void> {
    const batch = this.#queue.splice(0, this.#options.config.batch_events_max);
    const spans = batch.flatMap(({ trace, event, baseUrls }) => spansOf(event, { trace, servers: baseUrls.map(serverAt) }));
    if (this.#exporter === undefined || spans.length === 0) return this.#drop('stopped', batch);
    try {
      await this.#exporter.send(spans);
      this.#metrics.exported(spans.length);
      if (this.#failing) this.#options.logger.info('the receiver of traces takes spans again');
      this.#failing = false;
    } catch (error) {
      this.#drop('export_failed', batch);
      if (!this.#failing)
        this.#options.logger.warn({ err: error }, 'spans could not be exported; they are dropped until the receiver answers');
      this.#failing = true;
    }
  }

  #drop(reason: DropReason, finished: readonly Finished[]): void {
    let spans = 0;
    for (const { event } of finished) spans += 1 + event.attempts.length;
    if (spans > 0) this.#metrics.dropped(reason, spans);
  }
}

const PORTS: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443 };

function serverAt(baseUrl: string): ServerAddress {
  const { hostname, port, protocol } = new URL(baseUrl);
  return { host: hostname, port: port === '' ? (PORTS[protocol] ?? 0) : Number(port) };
}
