/** A column of a block in ClickHouse's Native format. https://clickhouse.com/docs/interfaces/formats/Native */

/** Filled one value after another. */
export interface NativeColumn<Value> {
  /** As ClickHouse spells it, e.g. `LowCardinality(String)`. */
  readonly type: string;
  /** Values so far. */
  readonly count: number;
  append(value: Value): void;
  /** Takes all values away and keeps the memory. */
  clear(): void;
  /** What stands before all values of the column, of columns inside it too. */
  writePrefix(out: Buffer[]): void;
  /** The buffers may be views: they are good until the next `append`. */
  writeValues(out: Buffer[]): void;
}
