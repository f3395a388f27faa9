import { expect, test } from 'vitest';
import { createMetrics, createRegistry, SERIES_MAX } from './metrics.ts';

test('names carry the role', async () => {
  const registry = createRegistry({ processMetrics: false });
  const metrics = createMetrics(registry, 'ingress');
  metrics.counter('requests_total', 'Requests.', ['surface']).with({ surface: 'openai.chat' }).inc(2);
  metrics.gauge('journal_entries', 'Entries.').set(4);
  metrics.gaugeOf('journal_bytes', 'Bytes.', () => 7);
  metrics.histogram('overhead_seconds', 'Overhead.', [0.1, 1]).observe(0.05);
  const text = await registry.metrics();
  expect(text).toContain('tokenledger_ingress_requests_total{surface="openai.chat"} 2');
  expect(text).toContain('tokenledger_ingress_journal_entries 4');
  expect(text).toContain('tokenledger_ingress_journal_bytes 7');
  expect(text).toContain('tokenledger_ingress_overhead_seconds_bucket{le="0.1"} 1');
});

test('beyond the bound, further label values share one series', async () => {
  const registry = createRegistry({ processMetrics: false });
  const counter = createMetrics(registry, 'ingress').counter('requests_total', 'Requests.', ['model']);
  for (let index = 0; index < SERIES_MAX + 30; index++) counter.with({ model: `m${index}` }).inc();
  counter.with({ model: 'm0' }).inc();
  const text = await registry.metrics();
  expect(text.match(/^tokenledger_ingress_requests_total\{/gm)).toHaveLength(SERIES_MAX + 1);
  expect(text).toContain('{model="other"} 30');
  expect(text).toContain('{model="m0"} 2');
});

test('a counter that does not end in _total is refused', () => {
  expect(() => createMetrics(createRegistry({ processMetrics: false }), 'x').counter('requests', '')).toThrow(/ends in _total/);
});

test('a counter kept elsewhere shows its value at each scrape', async () => {
  const registry = createRegistry({ processMetrics: false });
  let value = 3;
  createMetrics(registry, 'ingress').counterOf('seconds_total', 'h', () => value);
  expect(await registry.metrics()).toContain('tokenledger_ingress_seconds_total 3');
  value = 5;
  expect(await registry.metrics()).toContain('tokenledger_ingress_seconds_total 5');
  expect(() => createMetrics(registry, 'ingress').counterOf('seconds', 'h', () => value)).toThrow('ends in _total');
});
