/** A small Fold for the checks: counts records per key, forgets a key at its third, and says at each record how far its key is. */
import assert from 'node:assert/strict';
import type { FoldOptions, FoldOutput, LogRecord } from '@tokenledger/event-log';
import { SEQUENCE_HEADER, SOURCE_HEADER } from '@tokenledger/event-log';
import type { EventLogHarness } from '../check.ts';
import { readAll, text } from './records.ts';

export type Tally = ReadonlyMap<string, number>;

const FORGOTTEN_AT = 3;
export const OUTPUT_PARTITIONS = 2;

type TallyFold = Pick<FoldOptions<Tally>, 'initial' | 'decide' | 'codec'>;

export function tallyFold(outputTopic: string): TallyFold {
  return {
    initial: () => new Map(),
    decide: (state, records) => {
      const next = new Map(state);
      const outputs: FoldOutput[] = [];
      for (const record of records) outputs.push(tallyOne(next, outputTopic, record.key ?? '', text(record)));
      return { state: next, outputs, changedScopes: [...new Set(records.map((record: LogRecord) => record.key ?? ''))] };
    },
    codec: {
      scopes: (state) => [...state.keys()],
      encode: (state, scope) => Buffer.from(String(state.get(scope))),
      decode: (_partition, parts) => new Map(Array.from(parts, ([scope, bytes]) => [scope, Number(Buffer.from(bytes).toString())])),
    },
  };
}

function tallyOne(state: Map<string, number>, topic: string, key: string, value: string): FoldOutput {
  const count = (state.get(key) ?? 0) + 1;
  if (count === FORGOTTEN_AT) state.delete(key);
  else state.set(key, count);
  return { topic, partition: Number(value) % OUTPUT_PARTITIONS, record: { key, value: Buffer.from(`${value}: ${key} ${count}`) } };
}

/** What a fold of the numbered records 1 to `count` makes, by output partition. */
export function expectedTally(count: number): string[][] {
  const state = new Map<string, number>();
  const expected: string[][] = Array.from({ length: OUTPUT_PARTITIONS }, () => []);
  for (let sequence = 1; sequence <= count; sequence += 1) {
    const output = tallyOne(state, 'any', `key-${sequence % 7}`, String(sequence));
    expected[output.partition]?.push(Buffer.from(output.record.value ?? []).toString());
  }
  return expected;
}

/** The outputs of a source, by output partition, without repeats. Throws when a repeat differs, or a number is missing or out of order. */
export async function tallyOutputs(harness: Pick<EventLogHarness, 'log'>, topic: string, source: string): Promise<string[][]> {
  const outputs: string[][] = [];
  for (let partition = 0; partition < OUTPUT_PARTITIONS; partition += 1) {
    const values = new Map<number, string>();
    for (const record of await readAll(harness.log, topic, partition)) {
      if (record.headers[SOURCE_HEADER] !== source) continue;
      const number = Number(record.headers[SEQUENCE_HEADER]);
      const known = values.get(number);
      if (known !== undefined) assert.equal(text(record), known, `output ${number} of partition ${partition} is always the same`);
      else assert.equal(number, values.size + 1, `outputs of partition ${partition} come without a gap`);
      values.set(number, text(record));
    }
    outputs.push([...values.values()]);
  }
  return outputs;
}
