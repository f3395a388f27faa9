// Two registries on Kafka: one writes, the other follows and takes over; an ingress sees each change within two seconds.
import { liveControl } from '@tokenledger/control';
import { type EventLog, openKafkaLog, topicNames, withGroupPrefix } from '@tokenledger/event-log';
import { describe, expect, test } from 'vitest';
import { ownPrefix, requireBrokers, sharedKafka } from '../../support/kafka/index.ts';
import { createTestTopics, HASH_SECRET, runRegistry, type RunningRegistry } from '../../support/running-registry.ts';
import { waitFor } from '../../support/wait-for.ts';

const kafka = await sharedKafka();
const EFFECT_MS = 2_000;
/** Joining a group takes as long as its members need to agree. */
const TAKEOVER_MS = 60_000;

const apply = (registry: RunningRegistry, name: string) =>
  registry.call('POST', '/v1/apply', { documents: [{ kind: 'tenant', id: 'acme', name }] });

describe.skipIf(kafka.skipped !== undefined)('on Kafka', () => {
  test('one registry writes, the other takes over where it left off, and a view of the documents follows both', async () => {
    await using resources = new AsyncDisposableStack();
    const topicPrefix = ownPrefix('registry');
    const open = (clientId: string): EventLog => {
      const log = openKafkaLog({ brokers: requireBrokers(kafka), clientId });
      resources.defer(() => log.close());
      return withGroupPrefix(log, topicPrefix);
    };
    const start = (instance: string, startWaitMs: number) =>
      runRegistry({ log: open(instance), topicPrefix, instance, config: { start_wait_ms: startWaitMs } });
    await createTestTopics(open('setup'), topicPrefix);

    const first = await start('first', TAKEOVER_MS);
    expect((await apply(first, 'one')).status).toBe(200);
    const live = resources.adopt(
      await liveControl({
        log: open('ingress'),
        topic: topicNames(topicPrefix).control,
        readSecret: () => '',
        keyHashSecrets: { current: HASH_SECRET },
      }),
      (view) => view.close(),
    );
    const seen = (name: string): Promise<true> =>
      waitFor(() => live.documents().get('tenant', 'acme')?.name === name, {
        timeoutMs: EFFECT_MS,
        describe: `the tenant's name to be ${name}`,
      });
    await seen('one');
    expect((await apply(first, 'two')).status).toBe(200);
    await seen('two');

    const second = resources.use(await start('second', 100));
    expect((await apply(second, 'never')).status).toBe(503);
    await first[Symbol.asyncDispose]();
    await waitFor(async () => (await apply(second, 'three')).status === 200, {
      timeoutMs: TAKEOVER_MS,
      describe: 'the second registry to write',
    });
    await seen('three');
    expect((await second.call('GET', '/v1/documents/tenant/acme')).json).toMatchObject({ version: 3 });
    const { json } = await second.call('GET', '/v1/audit?kind=tenant');
    expect((json['records'] as readonly { readonly version_after: number }[]).map(({ version_after: version }) => version)).toEqual([
      3, 2, 1,
    ]);
  });
});
