/** Rows as a table for people: columns as wide as their widest cell, a heading above, nothing after the last cell. */

const GAP = '  ';

/** `columns`: the names above. Undefined and empty cells read `-`. */
export function textTable(columns: readonly string[], rows: readonly (readonly (string | undefined)[])[]): string {
  const shown = [columns, ...rows.map((row) => columns.map((_, index) => cell(row[index])))];
  const widths = columns.map((_, index) => Math.max(...shown.map((row) => (row[index] ?? '').length)));
  return shown
    .map((row) =>
      row
        .map((text, index) => text.padEnd(widths[index] ?? 0))
        .join(GAP)
        .trimEnd(),
    )
    .join('\n');
}

/** One line, whatever the text holds: a name with a line break must not look like two rows. */
function cell(text: string | undefined): string {
  return text === undefined || text === '' ? '-' : text.replaceAll(/\s+/g, ' ');
}
