/** Reads PromQL with the grammar of Prometheus' own editor: which metrics an expression names, and which labels it goes by. */
import { parser } from '@prometheus-io/lezer-promql';

export interface Selector {
  readonly metric: string;
  /** Labels that it matches. */
  readonly labels: readonly string[];
}

export interface Expression {
  readonly selectors: readonly Selector[];
  /** Labels of `by` and `without`. */
  readonly groupings: readonly string[];
}

/** Variables of Grafana that stand where a duration would. */
const GRAFANA_DURATIONS = /\$__(rate_interval|interval|range)\b/g;

/** What Prometheus would be asked when Grafana has put its variables in. */
export function asPromql(expression: string): string {
  return expression.replaceAll(GRAFANA_DURATIONS, '5m');
}

/** Throws when the expression is not PromQL. */
export function readPromql(expression: string): Expression {
  const text = asPromql(expression);
  const selectors: { metric: string; labels: string[] }[] = [];
  const groupings: string[] = [];
  parser.parse(text).iterate({
    enter({ type, name, node }) {
      if (type.isError) throw new Error(`not PromQL at ${node.from} of: ${text}`);
      const found = text.slice(node.from, node.to);
      const parent = node.parent?.name;
      if (name === 'VectorSelector') selectors.push({ metric: '', labels: [] });
      const selector = selectors.at(-1);
      if (name === 'Identifier' && parent === 'VectorSelector' && selector !== undefined) selector.metric = found;
      if (name === 'LabelName' && parent === 'UnquotedLabelMatcher') selector?.labels.push(found);
      if (name === 'LabelName' && parent === 'GroupingLabels') groupings.push(found);
    },
  });
  return { selectors, groupings };
}
