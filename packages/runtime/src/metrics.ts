/** Metrics: one registry per process, names of the form `tokenledger_<role>_<what>_<unit>`, and a bound on the series of each metric. */
import { invariant } from '@tokenledger/domain';
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export type { Registry } from 'prom-client';

/** Metrics of one role. Label values come from requests and documents: beyond `SERIES_MAX` combinations all labels read `other`. */
export interface Metrics {
  readonly registry: Registry;
  /** `name` without prefix, ends in `_total`. */
  counter<const Label extends string = never>(name: string, help: string, labels?: readonly Label[]): CounterFamily<Label>;
  /** `read` is called at each scrape, for a value that lives elsewhere. */
  gauge<const Label extends string = never>(name: string, help: string, labels?: readonly Label[]): GaugeFamily<Label>;
  gaugeOf(name: string, help: string, read: () => number): void;
  /** A counter kept elsewhere, for paths where every microsecond counts; `name` ends in `_total`. */
  counterOf(name: string, help: string, read: () => number): void;
  /** `name` ends in its unit, e.g. `_seconds` or `_bytes`; `buckets` are upper bounds in that unit. */
  histogram<const Label extends string = never>(
    name: string,
    help: string,
    buckets: readonly number[],
    labels?: readonly Label[],
  ): HistogramFamily<Label>;
}

export interface CounterSeries {
  inc(by?: number): void;
}
export interface GaugeSeries {
  set(value: number): void;
  inc(by?: number): void;
  dec(by?: number): void;
}
export interface HistogramSeries {
  observe(value: number): void;
}

/** `with` gives the series of these label values; keep it where it is used often. */
export interface Family<Series, Label extends string> {
  with(labels: Readonly<Record<Label, string>>): Series;
}
export interface CounterFamily<Label extends string> extends Family<CounterSeries, Label>, CounterSeries {}
export interface GaugeFamily<Label extends string> extends Family<GaugeSeries, Label>, GaugeSeries {}
export interface HistogramFamily<Label extends string> extends Family<HistogramSeries, Label>, HistogramSeries {}

export const SERIES_MAX = 500;
const OVERFLOW = 'other';
const PREFIX = 'tokenledger_';

/** `processMetrics`: also CPU, memory, event loop and garbage collection of this process. */
export function createRegistry(options: { readonly processMetrics: boolean }): Registry {
  const registry = new Registry();
  if (options.processMetrics) collectDefaultMetrics({ register: registry });
  return registry;
}

export function createMetrics(registry: Registry, role: string): Metrics {
  const named = (name: string): string => {
    invariant(/^[a-z][a-z0-9_]*$/.test(name), `metric name '${name}' is snake_case`);
    return `${PREFIX}${role.replaceAll('-', '_')}_${name}`;
  };
  return {
    registry,
    counter(name, help, labels = []) {
      invariant(name.endsWith('_total'), `counter '${name}' ends in _total`);
      const counter = new Counter({ name: named(name), help, labelNames: [...labels], registers: [registry] });
      return { inc: (by = 1) => counter.inc(by), with: boundedSeries(labels, (values) => counter.labels(...values)) };
    },
    gauge(name, help, labels = []) {
      const gauge = new Gauge({ name: named(name), help, labelNames: [...labels], registers: [registry] });
      return {
        set: (value) => gauge.set(value),
        inc: (by = 1) => gauge.inc(by),
        dec: (by = 1) => gauge.dec(by),
        with: boundedSeries(labels, (values) => gauge.labels(...values)),
      };
    },
    gaugeOf(name, help, read) {
      const gauge: Gauge = new Gauge({ name: named(name), help, registers: [registry], collect: () => gauge.set(read()) });
    },
    counterOf(name, help, read) {
      invariant(name.endsWith('_total'), `counter '${name}' ends in _total`);
      const counter: Counter = new Counter({
        name: named(name),
        help,
        registers: [registry],
        collect: () => {
          counter.reset();
          counter.inc(read());
        },
      });
    },
    histogram(name, help, buckets, labels = []) {
      const histogram = new Histogram({ name: named(name), help, labelNames: [...labels], buckets: [...buckets], registers: [registry] });
      return { observe: (value) => histogram.observe(value), with: boundedSeries(labels, (values) => histogram.labels(...values)) };
    },
  };
}

/** Remembers each series, which also spares prom-client's own look-up on every use. */
function boundedSeries<Label extends string, Series>(
  labels: readonly Label[],
  create: (values: readonly string[]) => Series,
): (values: Readonly<Record<Label, string>>) => Series {
  const known = new Map<string, Series>();
  let overflow: Series | undefined;
  return (given) => {
    const values = labels.map((label) => given[label]);
    const key = values.join('\u0000');
    const found = known.get(key);
    if (found !== undefined) return found;
    if (known.size >= SERIES_MAX) return (overflow ??= create(labels.map(() => OVERFLOW)));
    const series = create(values);
    known.set(key, series);
    return series;
  };
}
