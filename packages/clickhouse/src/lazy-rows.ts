/** Rows of an answer that are parsed as they are taken. Pure. */

/** `lines`: the names of the columns, and then the rows, each a JSON array. Every time it is gone through, each line is parsed again. */
export function lazyRows<Row>(lines: readonly string[]): Iterable<Row> {
  return {
    *[Symbol.iterator]() {
      const [first, ...rest] = lines;
      if (first === undefined) return;
      const names = JSON.parse(first) as readonly string[];
      for (const line of rest) {
        const values = JSON.parse(line) as readonly unknown[];
        const row: Record<string, unknown> = {};
        for (let index = 0; index < names.length; index += 1) row[names[index] as string] = values[index];
        yield row as Row;
      }
    },
  };
}
