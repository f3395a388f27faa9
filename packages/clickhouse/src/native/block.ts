/** A block of ClickHouse's Native format: columns with names, one after the other. It is what the server keeps rows in, so nothing is parsed there.
 *  https://clickhouse.com/docs/interfaces/formats/Native */
import { invariant } from '@tokenledger/domain';
import { Bytes } from './bytes.ts';
import type { NativeColumn } from './column.ts';

/** By name, in the order in which they are sent. Each has as many values as the others. */
export type NativeBlock = Readonly<Record<string, Pick<NativeColumn<never>, 'type' | 'count' | 'clear' | 'writePrefix' | 'writeValues'>>>;

export function encodeBlock(block: NativeBlock): Buffer {
  const columns = Object.entries(block);
  const rows = columns[0]?.[1].count ?? 0;
  const head = new Bytes(16);
  head.pushVarUint(columns.length);
  head.pushVarUint(rows);
  const parts = [head.written()];
  for (const [name, column] of columns) {
    invariant(column.count === rows, `column ${name} has ${column.count} values where the first has ${rows}`);
    const title = new Bytes(name.length + column.type.length + 4);
    title.pushText(name);
    title.pushText(column.type);
    parts.push(title.written());
    column.writePrefix(parts);
    column.writeValues(parts);
  }
  return Buffer.concat(parts);
}
