import { createRegistry } from '@tokenledger/runtime';
import { expect, test } from 'vitest';
import type { Decision } from './core/decide.ts';
import { pricerMetrics } from './metrics.ts';

test('what was decided is counted by kind, reason and code', async () => {
  const registry = createRegistry({ processMetrics: false });
  const metrics = pricerMetrics(registry, () => 1_500);
  const output = { topic: 't', record: { key: null, value: null } };
  const decisions: readonly Decision[] = [
    { kind: 'priced', unpriced: [], output },
    { kind: 'priced', unpriced: [{ reason: 'price_missing', provider: 'p', model: 'm' }], output },
    { kind: 'rejected', code: 'EVENT_INVALID', output },
    { kind: 'dead_letter', code: 'UNDECODABLE', output },
  ];
  metrics.decided(decisions, 250);
  metrics.decided(decisions.slice(0, 1), 10);
  metrics.retried();
  metrics.stopped();
  const text = await registry.metrics();
  for (const line of [
    'tokenledger_pricer_events_priced_total 3',
    'tokenledger_pricer_attempts_unpriced_total{reason="price_missing",provider="p",model="m"} 1',
    'tokenledger_pricer_events_rejected_total{code="EVENT_INVALID"} 1',
    'tokenledger_pricer_dead_letters_total{code="UNDECODABLE"} 1',
    'tokenledger_pricer_batch_records_sum 5',
    'tokenledger_pricer_lag_seconds_sum 0.26',
    'tokenledger_pricer_prices_behind_seconds 1.5',
    'tokenledger_pricer_retries_total 1',
    'tokenledger_pricer_partitions_stopped_total 1',
  ]) {
    expect(text).toContain(`\n${line}\n`);
  }
});
