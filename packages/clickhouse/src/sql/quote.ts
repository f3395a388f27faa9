/** Puts values and names into SQL text so that nothing in them is read as SQL. Prefer `{name:Type}` parameters where they are possible. */

const STRING_ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', "'": "\\'", '\0': '\\0' };

/** A string literal with its quotes. */
export function quoteString(value: string): string {
  // A raw NUL would end the text in engines that take it as a C string.
  return `'${value.replace(/[\\'\0]/g, (char) => STRING_ESCAPES[char]!)}'`;
}

/** A column, table or database name with its backticks. A dot in it belongs to the name: join qualified names yourself. */
export function quoteName(name: string): string {
  return `\`${name.replace(/[\\`]/g, (char) => `\\${char}`)}\``;
}
