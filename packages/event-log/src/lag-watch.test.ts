import { expect, test } from 'vitest';
import { watchLags } from './lag-watch.ts';
import { simulatedLog } from './simulated/simulated-log.ts';
import { virtualClock } from './simulated/virtual-clock.ts';
import { createMissingTopics, type Lag } from './topic-set.ts';
import { consumers, GROUPS, topicNames } from './topics.ts';

test('it tells the lag of every partition again and again, over failures, until it is closed', async () => {
  const clock = virtualClock();
  const log = simulatedLog({ seed: 1, clock });
  const topics = topicNames('');
  await createMissingTopics(log, topics, { partitions: 2, retentionMs: 60_000 });
  const producer = await log.producer();
  await producer.send(topics.usageEvents, 1, [{ key: 'k', value: Buffer.from('v') }]);

  const seen: string[] = [];
  const failures: unknown[] = [];
  const shown = (lags: readonly Lag[]): string => lags.map(({ partition, records }) => `${partition}:${records}`).join(' ');
  const ofPricer = consumers(topics).filter(({ group }) => group === GROUPS.pricer);
  const watch = watchLags({
    log,
    consumers: ofPricer,
    pacing: clock,
    onLags: (lags) => seen.push(shown(lags)),
    onFailure: (error) => failures.push(error),
  });
  await clock.wait(1_000);
  expect(seen).toEqual(['0:0 1:1']);
  log.goAway();
  await clock.wait(5_000);
  expect(failures).toHaveLength(1);
  log.comeBack();
  await log.setCommittedOffset(GROUPS.pricer, topics.usageEvents, 1, { offset: 1, metadata: '' });
  await clock.wait(5_000);
  expect(seen).toEqual(['0:0 1:1', '0:0 1:0']);
  await watch.close();
  await clock.wait(20_000);
  expect(seen).toHaveLength(2);
});
