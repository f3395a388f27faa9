/** The Native format as newer clients read it, Grafana's data source among them: the embedded server frames it itself, so it must measure every type. */
import assert from 'node:assert/strict';
import { type EmbeddedClickHouse, startEmbeddedClickHouse } from '@tokenledger/clickhouse';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { makeTempDir, type TempDir } from '../../support/temp-dir.ts';
import { askHttp } from './support/http.ts';

const ROWS = 500;
const REVISION = '54460';

/** What the tables of this project use, and what analysts may make of them. */
const TYPES = [
  'UInt8',
  'Int16',
  'UInt32',
  'Int64',
  'UInt128',
  'Int256',
  'Bool',
  'Float32',
  'Float64',
  'String',
  'FixedString(7)',
  'UUID',
  'IPv4',
  'IPv6',
  'Date',
  'Date32',
  'DateTime',
  "DateTime('UTC')",
  "DateTime64(3, 'UTC')",
  "Enum8('a, (' = 1, 'b\\'' = 2)",
  'Decimal(9, 2)',
  'Decimal(18, 6)',
  'Decimal(38, 12)',
  'Decimal(76, 12)',
  'Nullable(Decimal(38, 12))',
  'LowCardinality(String)',
  'LowCardinality(Nullable(String))',
  'Array(String)',
  'Array(Array(Nullable(UInt16)))',
  'Array(LowCardinality(String))',
  'Map(LowCardinality(String), String)',
  'Tuple(a UInt8, `b c` Array(LowCardinality(String)), d Tuple(String, Nullable(Int64)))',
  'Array(Tuple(LowCardinality(String), LowCardinality(String)))',
  'SimpleAggregateFunction(sum, Decimal(38, 12))',
  'Point',
  'Polygon',
] as const;

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

async function native(sql: string): Promise<Buffer> {
  const answer = await askHttp(server.url, {
    body: `${sql} FORMAT Native`,
    params: { client_protocol_version: REVISION, allow_suspicious_low_cardinality_types: '1' },
  });
  assert.equal(answer.status, 200, `${sql}: ${answer.text}`);
  return answer.body;
}

describe('the Native format of the embedded ClickHouse', () => {
  it.each(TYPES)('frames %s: the column behind it stands where a reader looks for it', async (type) => {
    const values = `generateRandom('c ${type.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}', 7, 20, 5)`;
    const framed = await native(`SELECT c, 'MARK' AS z FROM ${values} LIMIT ${ROWS}`);
    const marks = Buffer.concat([Buffer.from('\x01z\x06String\x00', 'latin1'), Buffer.from('\x04MARK'.repeat(ROWS), 'latin1')]);
    assert.ok(framed.subarray(-marks.length).equals(marks), 'the last column is not framed');
    assert.ok(framed.subarray(0, 8).equals(Buffer.from('010002ffffffff00', 'hex')), 'the block has no header');
  });

  it('frames every block of a long answer', async () => {
    const framed = await native(
      'SELECT number AS n, toLowCardinality(toString(number % 1000)) AS s FROM numbers(200000) SETTINGS max_block_size = 8192',
    );
    const blocks = framed.toString('latin1').split('\x01\x00\x02\xff\xff\xff\xff\x00\x02').length - 1;
    assert.ok(blocks > 10, `${blocks} blocks`);
  });

  it('refuses what it cannot measure, and says how to ask instead', async () => {
    const answer = await askHttp(server.url, {
      body: 'SELECT sumState(1) AS s FORMAT Native',
      params: { client_protocol_version: REVISION },
    });
    assert.deepEqual([answer.status, answer.headers['x-clickhouse-exception-code']], [501, '48'], answer.text);
    assert.match(answer.text, /finalizeAggregation/);
  });
});
