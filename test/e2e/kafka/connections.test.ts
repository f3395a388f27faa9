/** Whom each role talks to where every role is a process of its own. */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { startEmbeddedClickHouse } from '@tokenledger/clickhouse';
import { request } from 'undici';
import { describe, expect, test } from 'vitest';
import { clusterOn } from '../../support/cluster-on-kafka.ts';
import { watchedConnections } from '../../support/connection-watch.ts';
import { sharedKafka } from '../../support/kafka/index.ts';
import { CHAT_ANSWER, CHAT_REQUEST } from '../../support/provider-answers.ts';
import { repositoryRoot } from '../../support/repository.ts';
import { LEDGER_KEY } from '../../support/running-ledger.ts';
import { scriptedUpstream } from '../../support/scripted-upstream.ts';
import { makeTempDir } from '../../support/temp-dir.ts';

const kafka = await sharedKafka();
const STOP_TIMEOUT_MS = 60_000;
const ROLES = ['registry', 'writer', 'pricer', 'ingress'] as const;
const WATCH = pathToFileURL(join(repositoryRoot, 'test', 'support', 'connection-watch.ts')).href;

describe.skipIf(kafka.skipped !== undefined)('on Kafka, each role in a process of its own', () => {
  test('a role contacts the log, and of the rest what is its business alone', async () => {
    if (kafka.skipped !== undefined) throw new Error(kafka.skipped);
    await using folder = await makeTempDir('watch');
    const fileOf = (name: string): string => join(folder.path, `${name}.jsonl`);
    await using upstream = await scriptedUpstream((response) => {
      response.writeHead(200, { 'content-type': 'application/json' }).end(CHAT_ANSWER);
    });
    const database = await startEmbeddedClickHouse({ directory: join(folder.path, 'clickhouse'), host: '127.0.0.1', port: 0 });
    await using resources = new AsyncDisposableStack();
    resources.defer(() => database.stop(STOP_TIMEOUT_MS));
    const configured = new Map([
      [new URL(upstream.url).host, 'provider'],
      [new URL(database.url).host, 'clickhouse'],
      ...kafka.brokers.split(',').map((address) => [address, 'log'] as const),
    ]);
    await using cluster = await clusterOn(kafka, 'connections', {
      clickhouse: { url: database.url, askUrl: database.url },
      counts: { writer: 1, pricer: 1, ingress: 1 },
      envOf: (name) => ({ NODE_OPTIONS: `--import=${WATCH}`, CONNECTION_WATCH_FILE: fileOf(name) }),
    })({ upstreamUrl: upstream.url });
    const answer = await request(`${cluster.url}/v1/chat/completions`, {
      method: 'POST',
      body: CHAT_REQUEST,
      headers: { authorization: `Bearer ${LEDGER_KEY}`, 'content-type': 'application/json' },
    });
    await answer.body.dump();
    expect(answer.statusCode).toBe(200);
    await cluster.rows(1, 60_000);
    const rows = await cluster.clickhouse.query<{ outcome: string }>('SELECT outcome FROM usage_events');
    expect(rows).toEqual([{ outcome: 'ok' }]);

    const contacted = Object.fromEntries(
      ROLES.map((role) => {
        const watched = watchedConnections(fileOf(`${role}-1`));
        expect(watched.filter(({ kind }) => kind === 'other')).toEqual([]);
        return [role, new Set(watched.flatMap((each) => (each.kind === 'connects' ? [configured.get(each.to) ?? each.to] : [])))];
      }),
    );
    expect(contacted).toEqual({
      registry: new Set(['log']),
      writer: new Set(['log', 'clickhouse']),
      pricer: new Set(['log']),
      ingress: new Set(['log', 'provider']),
    });
  });
});
