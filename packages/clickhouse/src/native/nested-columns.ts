/** Columns of columns: values that may be null, lists, and maps of text. */
import type { NativeColumn } from './column.ts';
import { int64Column, uint8Column } from './fixed-columns.ts';
import { lowCardinalityColumn, textColumn } from './text-columns.ts';

class NullableColumn<Value> implements NativeColumn<Value | null> {
  readonly type: string;
  readonly #isNull = uint8Column();
  readonly #values: NativeColumn<Value>;
  readonly #placeholder: Value;

  constructor(values: NativeColumn<Value>, placeholder: Value) {
    this.type = `Nullable(${values.type})`;
    this.#values = values;
    this.#placeholder = placeholder;
  }

  get count(): number {
    return this.#values.count;
  }

  append(value: Value | null): void {
    this.#isNull.append(value === null ? 1 : 0);
    this.#values.append(value ?? this.#placeholder);
  }

  clear(): void {
    this.#isNull.clear();
    this.#values.clear();
  }

  writePrefix(out: Buffer[]): void {
    this.#values.writePrefix(out);
  }

  writeValues(out: Buffer[]): void {
    this.#isNull.writeValues(out);
    this.#values.writeValues(out);
  }
}

/** Its items are appended to `items`; `endList` says that those since the last end are one list. */
export class ListColumn<Item> implements NativeColumn<readonly Item[]> {
  readonly type: string;
  readonly items: NativeColumn<Item>;
  /** For each list, how many items there are up to its end. */
  readonly #ends = int64Column();

  constructor(items: NativeColumn<Item>) {
    this.type = `Array(${items.type})`;
    this.items = items;
  }

  get count(): number {
    return this.#ends.count;
  }

  endList(): void {
    this.#ends.append(this.items.count);
  }

  append(values: readonly Item[]): void {
    for (const value of values) this.items.append(value);
    this.endList();
  }

  clear(): void {
    this.#ends.clear();
    this.items.clear();
  }

  writePrefix(out: Buffer[]): void {
    this.items.writePrefix(out);
  }

  writeValues(out: Buffer[]): void {
    this.#ends.writeValues(out);
    this.items.writeValues(out);
  }
}

class TextMapColumn implements NativeColumn<Readonly<Record<string, string>>> {
  readonly type = 'Map(LowCardinality(String), String)';
  readonly #ends = int64Column();
  readonly #keys = lowCardinalityColumn();
  readonly #values = textColumn();

  get count(): number {
    return this.#ends.count;
  }

  append(map: Readonly<Record<string, string>>): void {
    for (const [key, value] of Object.entries(map)) {
      this.#keys.append(key);
      this.#values.append(value);
    }
    this.#ends.append(this.#keys.count);
  }

  clear(): void {
    this.#ends.clear();
    this.#keys.clear();
    this.#values.clear();
  }

  writePrefix(out: Buffer[]): void {
    this.#keys.writePrefix(out);
  }

  writeValues(out: Buffer[]): void {
    this.#ends.writeValues(out);
    this.#keys.writeValues(out);
    this.#values.writeValues(out);
  }
}

/** `placeholder`: any value of the type; it stands where null is meant. */
export const nullableColumn = <Value>(values: NativeColumn<Value>, placeholder: Value): NativeColumn<Value | null> =>
  new NullableColumn(values, placeholder);
export const listColumn = <Item>(items: NativeColumn<Item>): ListColumn<Item> => new ListColumn(items);
export const textMapColumn = (): NativeColumn<Readonly<Record<string, string>>> => new TextMapColumn();
