import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { startChild } from '../../support/child.ts';
import { ownKafka, type OwnKafka } from '../../support/kafka/index.ts';
import { type JarsKafka, startJarsKafka } from '../../support/kafka/jars-kafka.ts';
import { answers } from '../../support/kafka/readiness.ts';
import { repositoryRoot } from '../../support/repository.ts';
import { makeTempDir } from '../../support/temp-dir.ts';
import { waitFor } from '../../support/wait-for.ts';
import { plainClient } from './plain-client.ts';

const found = await ownKafka();
const startMsMax = 90_000;
const endMsMax = 15_000;

describe.skipIf(found.skipped !== undefined)('a broker from jars', () => {
  it('is gone with its folder when whoever started it was killed', async () => {
    await using folder = await makeTempDir('killed');
    const program = join(repositoryRoot, 'test', 'support', 'kafka', 'run.ts');
    await using child = startChild(process.execPath, [program, '--jars'], { env: { TMPDIR: folder.path } });
    const [, brokers = ''] = await child.waitForOutput(/KAFKA_BROKERS=(\S+)/, startMsMax);
    expect(await answers(brokers)).toBe(true);
    expect(readdirSync(folder.path)).not.toEqual([]);
    child.signal('SIGKILL');
    await waitFor(() => readdirSync(folder.path).length === 0, { timeoutMs: endMsMax, describe: 'the end of the folder' });
    expect(await answers(brokers)).toBe(false);
  });

  it('keeps what it acknowledged when it is killed and started again', async () => {
    await using kafka = await start();
    await using client = plainClient(kafka.brokers);
    const admin = await client.admin();
    await admin.createTopics({ topics: [{ topic: 'kept', numPartitions: 1 }], waitForLeaders: true });
    const producer = await client.producer();
    await producer.send({ topic: 'kept', acks: -1, messages: [{ value: 'one' }, { value: 'two' }] });
    await kafka.kill();
    expect(await answers(kafka.brokers)).toBe(false);
    await kafka.start();
    expect(await admin.fetchTopicOffsets('kept')).toMatchObject([{ low: '0', high: '2' }]);
  });
});

async function start(): Promise<JarsKafka> {
  const { source } = found as Extract<OwnKafka, { skipped: undefined }>;
  return startJarsKafka(source);
}
