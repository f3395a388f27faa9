/** Sends spans by OTLP/HTTP in protobuf. Loaded only when tracing is on: the packages behind it take a while to load. */
import { type HrTime, type SpanContext, SpanKind, SpanStatusCode, TraceFlags } from '@opentelemetry/api';
import { ExportResultCode } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { detectResources, type Resource, resourceAttributesEnvDetector, resourceFromAttributes } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { SpanRecord } from './core/spans.ts';

export interface OtlpExporterOptions {
  /** Without `/v1/traces`. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  readonly version: string;
  readonly timeoutMs: number;
}

export interface SpanExporter {
  /** Throws when the receiver did not take them within the timeout, tries included. */
  send(spans: readonly SpanRecord[]): Promise<void>;
  close(): Promise<void>;
}

const PATH = '/v1/traces';
const SCOPE = 'tokenledger.ingress';
const MS_PER_SECOND = 1000;
const NS_PER_MS = 1_000_000;

export function otlpExporter(options: OtlpExporterOptions): SpanExporter {
  const exporter = new OTLPTraceExporter({
    url: options.endpoint.replace(/\/+$/, '') + PATH,
    headers: { ...options.headers },
    timeoutMillis: options.timeoutMs,
  });
  const resource = resourceOf(options);
  const scope = { name: SCOPE, version: options.version };
  return {
    send: (spans) =>
      new Promise((resolve, reject) => {
        exporter.export(
          spans.map((span) => readableSpan(span, resource, scope)),
          ({ code, error }) => {
            if (code === ExportResultCode.SUCCESS) resolve();
            else reject(error ?? new Error('the receiver of traces took no spans'));
          },
        );
      }),
    close: () => exporter.shutdown(),
  };
}

/** What `OTEL_RESOURCE_ATTRIBUTES` says, with our own name. */
function resourceOf({ serviceName, version }: OtlpExporterOptions): Resource {
  const given = detectResources({ detectors: [resourceAttributesEnvDetector] });
  return given.merge(resourceFromAttributes({ 'service.name': serviceName, 'service.version': version }));
}

function readableSpan(span: SpanRecord, resource: Resource, scope: ReadableSpan['instrumentationScope']): ReadableSpan {
  const context = (spanId: string): SpanContext => ({ traceId: span.traceId, spanId, traceFlags: TraceFlags.SAMPLED });
  return {
    name: span.name,
    kind: span.kind === 'server' ? SpanKind.SERVER : SpanKind.CLIENT,
    spanContext: () => context(span.spanId),
    ...(span.parentSpanId === '' ? {} : { parentSpanContext: { ...context(span.parentSpanId), isRemote: span.kind === 'server' } }),
    startTime: hrTime(span.startedAtMs),
    endTime: hrTime(span.endedAtMs),
    duration: hrTime(span.endedAtMs - span.startedAtMs),
    status: { code: span.failed ? SpanStatusCode.ERROR : SpanStatusCode.UNSET },
    attributes: span.attributes,
    links: [],
    events: [],
    ended: true,
    resource,
    instrumentationScope: scope,
    droppedAttributesCount: 0,
    droppedEventsCount: 0,
    droppedLinksCount: 0,
  };
}

function hrTime(ms: number): HrTime {
  return [Math.floor(ms / MS_PER_SECOND), (ms % MS_PER_SECOND) * NS_PER_MS];
}
