/** The contract can fail: servers that pretend are found out, and an honest proxy is not. */
import assert from 'node:assert/strict';
import { type EmbeddedClickHouse, startEmbeddedClickHouse } from '@tokenledger/clickhouse';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { makeTempDir, type TempDir } from '../../support/temp-dir.ts';
import { checkNamed, CLICKHOUSE_CHECKS, runCheck } from './clickhouse-contract.ts';
import { makeHarness } from './support/harness.ts';
import {
  acknowledgesEarly,
  answersFloats,
  deduplicates,
  dropsRows,
  type Fault,
  forgetsQueryIds,
  hidesQueries,
  ignoresKill,
  ignoresProjections,
  ignoresSettings,
  ignoresTheFence,
  leaksSettings,
  letsTheFenceSink,
  type Pretender,
  startAlwaysOk,
  startProxy,
  takesTurns,
} from './support/pretender.ts';

let directory: TempDir;
let server: EmbeddedClickHouse;

beforeAll(async () => {
  directory = await makeTempDir('clickhouse');
  server = await startEmbeddedClickHouse({ directory: directory.path, port: 0 });
});

afterAll(async () => {
  await server.stop();
  await directory[Symbol.asyncDispose]();
});

const DECIMALS = 'decimals are exact in JSON, going in and coming out';
const BIG_INSERT = 'an insert of several megabytes is complete, to the last character';
const SETTING_HOLDS = 'a setting in the URL holds for its request';
const SETTING_ENDS = 'settings never outlive their request';
const FENCE = 'a row of an older epoch than the fence is refused, with its whole insert, in every way to insert';
const FENCE_RISES = 'the fence only rises';
const SEEN = 'a running query is seen in system.processes under its id, and no longer when it has ended';
const KILLED = 'KILL QUERY ends the query with that id and no other';
const TWICE = 'the same rows inserted twice are there twice: nothing is dropped by a guess';
const PROJECTION = 'an aggregate projection answers the rollup, exactly as the rows would';
const UNPROJECTED = 'what no projection can answer is refused when a projection is asked for';
const ACKNOWLEDGED = 'what an insert has acknowledged the next query sees';
const FAST = 'a slow query does not hold up a fast one';

interface Case {
  readonly does: string;
  readonly fault: () => Fault;
  /** Which checks find it out, and what each says: for the right reason. */
  readonly foundOutBy: Readonly<Record<string, RegExp>>;
}

const CASES: readonly Case[] = [
  { does: 'drops one row in a hundred', fault: () => dropsRows, foundOutBy: { [BIG_INSERT]: /writtenRows: 39600/ } },
  {
    does: 'ignores settings',
    fault: () => ignoresSettings,
    foundOutBy: { [SETTING_HOLDS]: /'777'/, [UNPROJECTED]: /Missing expected rejection/ },
  },
  { does: 'lets settings outlive their request', fault: leaksSettings, foundOutBy: { [SETTING_ENDS]: /'777'/ } },
  { does: 'ignores the fence', fault: () => ignoresTheFence, foundOutBy: { [FENCE]: /Missing expected rejection/ } },
  { does: 'lets the fence sink', fault: () => letsTheFenceSink, foundOutBy: { [FENCE_RISES]: /Missing expected rejection/ } },
  { does: 'answers with floats', fault: () => answersFloats, foundOutBy: { [DECIMALS]: /1\.2345678901234568e\+25/ } },
  { does: 'ignores KILL QUERY', fault: () => ignoresKill, foundOutBy: { [KILLED]: /query_id/ } },
  { does: 'says that nothing runs', fault: () => hidesQueries, foundOutBy: { [SEEN]: /in system\.processes/ } },
  { does: 'forgets query ids', fault: () => forgetsQueryIds, foundOutBy: { [SEEN]: /in system\.processes/ } },
  { does: 'drops repeated rows', fault: () => deduplicates, foundOutBy: { [TWICE]: /'2'/ } },
  { does: 'ignores projections', fault: () => ignoresProjections, foundOutBy: { [UNPROJECTED]: /Missing expected rejection/ } },
  { does: 'acknowledges before it inserts', fault: () => acknowledgesEarly(server.url), foundOutBy: { [ACKNOWLEDGED]: /n: '0'/ } },
];

describe('the ClickHouse contract', () => {
  it('fails in every check against a server that answers 200 to everything', async () => {
    await using pretender = await startAlwaysOk();
    for (const check of CLICKHOUSE_CHECKS) await assertFoundOut(check.name, pretender, /./);
  });

  for (const { does, fault, foundOutBy } of CASES) {
    it(`finds out a server that ${does}`, async () => {
      await using pretender = await startProxy(server.url, fault());
      for (const [name, reason] of Object.entries(foundOutBy)) await assertFoundOut(name, pretender, reason);
    });
  }

  it('finds out a server that takes one request after another', async () => {
    await using pretender = await takesTurns(server.url);
    await assertFoundOut(FAST, pretender, /slow query had ended/);
  });

  it('passes through a proxy that changes nothing, in all checks that find pretenders out', async () => {
    await using proxy = await startProxy(server.url, () => undefined);
    for (const name of new Set([...CASES.flatMap((one) => Object.keys(one.foundOutBy)), PROJECTION, FAST]))
      await runCheck(checkNamed(name), () => makeHarness(server.url, proxy.url));
  });
});

async function assertFoundOut(name: string, pretender: Pretender, reason: RegExp): Promise<void> {
  const outcome = await runCheck(checkNamed(name), () => makeHarness(server.url, pretender.url)).then(
    () => 'passed',
    (error: unknown) => (error instanceof Error ? error.message : String(error)),
  );
  assert.notEqual(outcome, 'passed', name);
  assert.match(outcome, reason, name);
}
