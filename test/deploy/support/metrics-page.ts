/** What a process really exposes, read from the text of its /metrics. */
import type { Expression } from './promql.ts';

export interface ExposedMetrics {
  /** Names of series: those of a histogram with `_bucket`, `_sum` and `_count`. */
  readonly names: ReadonlySet<string>;
  /** Labels by name of series; absent while a series has no value yet. */
  readonly labels: ReadonlyMap<string, ReadonlySet<string>>;
}

/** Not of our making: what Prometheus adds to each series or knows about each target, and its own alerts. */
const PROMETHEUS_OWN = new Map([
  ['up', []],
  ['ALERTS', ['alertname', 'alertstate']],
]);
const TARGET_LABELS = ['job', 'instance', 'role'];

export function readMetricsPage(text: string): ExposedMetrics {
  const names = new Set<string>();
  const labels = new Map<string, Set<string>>();
  for (const line of text.split('\n')) {
    const [, declared, type] = /^# TYPE (\S+) (\w+)$/.exec(line) ?? [];
    if (declared !== undefined) for (const name of seriesOf(declared, type ?? '')) names.add(name);
    const [, name, pairs = ''] = /^([A-Za-z_:][\w:]*)(?:\{(.*)\})? \S+$/.exec(line) ?? [];
    if (name === undefined || line.startsWith('#')) continue;
    const known = labels.get(name) ?? new Set();
    for (const [, label = ''] of pairs.matchAll(/(?:^|,)(\w+)="/g)) known.add(label);
    labels.set(name, known);
  }
  return { names, labels };
}

/** What an expression names and nobody exposes, one line each. */
export function unknownIn(expression: Expression, exposed: ExposedMetrics): readonly string[] {
  const allowed = new Set(TARGET_LABELS);
  let certain = true;
  const unknown: string[] = [];
  for (const { metric, labels } of expression.selectors) {
    const own = PROMETHEUS_OWN.get(metric) ?? exposed.labels.get(metric);
    if (!PROMETHEUS_OWN.has(metric) && !exposed.names.has(metric)) unknown.push(`metric ${metric}`);
    if (own === undefined) {
      certain = false;
      continue;
    }
    for (const label of own) allowed.add(label);
    for (const label of labels)
      if (!TARGET_LABELS.includes(label) && ![...own].includes(label)) unknown.push(`label ${label} of ${metric}`);
  }
  if (certain) for (const label of expression.groupings) if (!allowed.has(label)) unknown.push(`label ${label}`);
  return unknown;
}

function seriesOf(name: string, type: string): readonly string[] {
  return type === 'histogram' ? [`${name}_bucket`, `${name}_sum`, `${name}_count`] : [name];
}
