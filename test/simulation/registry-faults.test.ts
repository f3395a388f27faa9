// Two registries on a log that fails in every way it can, by seeds: what was answered holds, what was called lost does not, and every reader agrees.
import { createChangeReader } from '@tokenledger/control';
import { type SimulatedFaults, simulatedLog, type SimulatedLog, systemPacing } from '@tokenledger/event-log';
import { expect, test } from 'vitest';
import { createTestTopics, type Reply, runRegistry, type RunningRegistry } from '../support/running-registry.ts';
import { waitFor } from '../support/wait-for.ts';

const SEEDS = [1, 2, 3, 4, 5, 6, 7, 8];
const CHANGES_EACH = 40;
/** Of how many the answer is looked for, in changes of how many at most: which of the two is asked while it writes is chance. */
const TAKEN_MIN = 6;
const CHANGES_EACH_MAX = 1_000;
const FAULTS: SimulatedFaults = {
  sendFails: 0.05,
  sendResponseLost: 0.05,
  sendArrivesLate: 0.05,
  sendStoredTwice: 0.05,
  commitFails: 0.1,
  commitResponseLost: 0.1,
  readFails: 0.02,
  ownershipChanges: 0.01,
  noticeMsMax: 60,
  goesAway: 0.001,
  awayMsMax: 50,
  delayMsMax: 8,
};
const NONE = Object.fromEntries(Object.keys(FAULTS).map((fault) => [fault, 0])) as unknown as SimulatedFaults;

interface Asked {
  readonly id: string;
  readonly status: number;
  readonly code: string;
}

const codeOf = ({ json }: Reply): string => (json['error'] as { readonly code: string } | undefined)?.code ?? '';

async function write(registry: RunningRegistry, by: string, asked: Asked[]): Promise<void> {
  const taken = (): number => asked.filter(({ status }) => status === 200).length;
  for (let count = 0; count < CHANGES_EACH || (taken() < TAKEN_MIN && count < CHANGES_EACH_MAX); count += 1) {
    const id = `${by}-${count}`;
    const documents = [
      { kind: 'tenant', id, name: id },
      { kind: 'tenant', id: 'shared', name: id },
      { kind: 'owner', id, tenant: id, name: id },
    ];
    const reply = await registry.call('POST', '/v1/apply', { documents });
    asked.push({ id, status: reply.status, code: codeOf(reply) });
    if (reply.status !== 200) await systemPacing.wait(10);
  }
}

/** What a reader that begins now comes to: ids of what is there. */
async function holds(log: SimulatedLog, topic: string): Promise<ReadonlySet<string>> {
  const reader = createChangeReader();
  const source = await log.reader({ topic, partition: 0, from: 'start' });
  const { end } = await source.range();
  while (reader.nextOffset < end) {
    for (const record of await source.poll({ recordsMax: 1_000, bytesMax: 1 << 24, waitMs: 10 })) reader.take(record);
  }
  await source.close();
  return new Set(
    [...reader.records].flatMap(([key, { version, document }]) =>
      document === null ? [] : [`${key} ${version} ${JSON.stringify(document)}`],
    ),
  );
}

test.each(SEEDS)('seed %i', async (seed) => {
  const log = simulatedLog({ seed, clock: systemPacing });
  await createTestTopics(log);
  const config = { start_wait_ms: 200, change_timeout_ms: 1_000 };
  await using first = await runRegistry({ log, instance: 'first', config });
  await using second = await runRegistry({ log, instance: 'second', config });
  const asked: Asked[] = [];
  log.setFaults(FAULTS);
  await Promise.all([write(first, 'first', asked), write(second, 'second', asked)]);
  log.setFaults(NONE);
  const done = { documents: [{ kind: 'tenant', id: 'done', name: 'done' }] };
  const insist = async (): Promise<boolean> =>
    (await Promise.all([first, second].map((registry) => registry.call('POST', '/v1/apply', done)))).some(({ status }) => status === 200);
  await waitFor(insist, { timeoutMs: 20_000, describe: 'a registry to write again' });

  const topic = first.controlTopic;
  const before = await holds(log, topic);
  const tenants = new Set([...before].flatMap((one) => /^tenant\/(\S+) /.exec(one)?.[1] ?? []));
  const owners = new Set([...before].flatMap((one) => /^owner\/(\S+) /.exec(one)?.[1] ?? []));
  expect([...owners].toSorted()).toEqual([...tenants].filter((id) => id !== 'shared' && id !== 'done').toSorted());
  for (const { id, status, code } of asked) {
    if (status === 200) expect(tenants, `${id} was answered`).toContain(id);
    else if (code !== 'CHANGE_UNSETTLED') expect(tenants, `${id} was refused with ${code}`).not.toContain(id);
  }
  expect(asked.filter(({ status }) => status === 200).length).toBeGreaterThanOrEqual(TAKEN_MIN);

  // What was written too late is answered within a moment; then compaction may come.
  const settled = async (): Promise<boolean> => {
    log.compact(topic);
    return [...(await holds(log, topic))].toSorted().join() === [...before].toSorted().join();
  };
  await systemPacing.wait(300);
  expect(await settled()).toBe(true);
});
