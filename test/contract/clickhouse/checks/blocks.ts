/** Inserts of whole blocks in the Native format. */
import assert from 'node:assert/strict';
import {
  boolColumn,
  decimalColumn,
  int64Column,
  listColumn,
  lowCardinalityColumn,
  type NativeColumn,
  NIL_UUID,
  nullableColumn,
  textColumn,
  textMapColumn,
  timeColumn,
  uint16Column,
  uint32Column,
  uint64Column,
  uint8Column,
  uuidColumn,
} from '@tokenledger/clickhouse';
import type { Check } from '../check.ts';

const UUID = '019a3f5e-2c7b-7abc-8DEF-0123456789ab';
const PAST = 300;
const LARGEST = 10n ** 38n - 1n;
const MANY_TEXTS = Array.from({ length: 70_000 }, (_, index) => `text ${index}`);

/** A column, its values, and how they come back as JSON. */
interface Sample<Value> {
  readonly column: () => NativeColumn<Value>;
  readonly values: readonly Value[];
  readonly found: readonly unknown[];
}

function sample<Value>(column: () => NativeColumn<Value>, values: readonly Value[], found: readonly unknown[] = values): Sample<never> {
  return { column, values, found } as Sample<never>;
}

const SAMPLES: Readonly<Record<string, Sample<never>>> = {
  text: sample(textColumn, ['', 'short', 'grün', 'é'.repeat(63), 'x'.repeat(127), 'y'.repeat(128), '語'.repeat(9_000), 'a\n\n\0b']),
  low_cardinality: sample(lowCardinalityColumn, ['', 'a', 'a', '', 'ü', 'b'.repeat(200)]),
  low_cardinality_two_bytes: sample(lowCardinalityColumn, MANY_TEXTS.slice(0, PAST)),
  low_cardinality_four_bytes: sample(lowCardinalityColumn, MANY_TEXTS),
  bool: sample(boolColumn, [0, 1], [false, true]),
  uint8: sample(uint8Column, [0, 255]),
  uint16: sample(uint16Column, [0, 65_535]),
  uint32: sample(uint32Column, [0, 2 ** 31, 2 ** 32 - 1]),
  uint64: sample(uint64Column, [0, 2 ** 32, Number.MAX_SAFE_INTEGER], ['0', '4294967296', '9007199254740991']),
  int64: sample(int64Column, [-1, -(2 ** 32), Number.MIN_SAFE_INTEGER, 5], ['-1', '-4294967296', '-9007199254740991', '5']),
  many: sample(
    int64Column,
    MANY_TEXTS.map((_, index) => index),
    MANY_TEXTS.map((_, index) => String(index)),
  ),
  time: sample(timeColumn, [1_762_000_000_007, 0], ['2025-11-01T12:26:40.007Z', '1970-01-01T00:00:00.000Z']),
  uuid: sample(uuidColumn, [UUID, NIL_UUID], [UUID.toLowerCase(), NIL_UUID]),
  decimal: sample(
    () => decimalColumn(38, 12),
    [0n, 1n, -1n, 1_500_000_000_000n, -(2n ** 53n), 2n ** 64n + 1n, LARGEST, -LARGEST],
    [
      '0',
      '0.000000000001',
      '-0.000000000001',
      '1.5',
      '-9007.199254740992',
      '18446744.073709551617',
      '99999999999999999999999999.999999999999',
      '-99999999999999999999999999.999999999999',
    ],
  ),
  nullable: sample(() => nullableColumn(int64Column(), 0), [null, 7, null], [null, '7', null]),
  nullable_decimal: sample(() => nullableColumn(decimalColumn(38, 12), 0n), [null, 2_000_000_000_000n], [null, '2']),
  list: sample(() => listColumn(lowCardinalityColumn()), [[], ['a', 'b'], ['a']]),
  empty_lists: sample(() => listColumn(lowCardinalityColumn()), [[], []]),
  lists_of_lists: sample(() => listColumn(listColumn(lowCardinalityColumn())), [[], [[], ['a']], [['b', 'a']]]),
  nullable_list: sample(() => listColumn(nullableColumn(uint16Column(), 0)), [[null, 200], []]),
  map: sample(textMapColumn, [{}, { a: '1', 'b "c"': 'line\nbreak' }]),
};

export const blockChecks: readonly Check[] = [
  ...Object.entries(SAMPLES).map(([name, { column, values, found }]): Check => ({
    name: `a block of ${name} comes back as it was sent`,
    run: async ({ clickhouse, run }) => {
      const filled = column();
      // Used before: nothing of that is left.
      for (const value of values) filled.append(value);
      filled.clear();
      const numbers = uint32Column();
      for (const [index, value] of values.entries()) {
        filled.append(value);
        numbers.append(index);
      }
      await run(`CREATE TABLE ${name} (n UInt32, value ${filled.type}) ENGINE = MergeTree ORDER BY n`);
      assert.deepEqual(await clickhouse.insertBlock(name, { value: filled, n: numbers }), { writtenRows: values.length });
      const rows = await clickhouse.query<{ readonly value: unknown }>(`SELECT value FROM ${name} ORDER BY n`);
      assert.deepEqual(
        rows.map(({ value }) => value),
        found,
      );
    },
  })),
  {
    name: 'a block without rows is not sent, and one with columns of unequal length neither',
    run: async ({ clickhouse, run, rows }) => {
      await run('CREATE TABLE uneven (a UInt32, b UInt32) ENGINE = MergeTree ORDER BY a');
      const [a, b] = [uint32Column(), uint32Column()];
      assert.deepEqual(await clickhouse.insertBlock('uneven', { a, b }), { writtenRows: 0 });
      a.append(1);
      await assert.rejects(clickhouse.insertBlock('uneven', { a, b }), /column b has 0 values where the first has 1/);
      assert.deepEqual(await rows('SELECT count() FROM uneven'), [['0']]);
    },
  },
];
