/** Turns the head of an insert, which ends where its data begin, into a statement that reads the data from a file. */
import { quoteString } from './quote.ts';
import { isWord } from './statement.ts';
import { type Token, tokenizeCode } from './tokens.ts';

/** `head` ends with `FORMAT name` or `VALUES`. The file stands in front of these, and of settings. */
export function insertFromFile(head: string, file: string): string {
  const tokens = [...tokenizeCode(head)];
  const isValues = isWord(tokens.at(-1), 'VALUES') && !isWord(tokens.at(-2), 'FORMAT');
  const formatAt = tokens.length - (isValues ? 1 : 2);
  const at = tokens[settingsAt(tokens) ?? formatAt]?.start ?? head.length;
  const rest = isValues ? `${head.slice(at, tokens[formatAt]?.start)}FORMAT Values` : head.slice(at);
  return `${head.slice(0, at)}FROM INFILE ${quoteString(file)} COMPRESSION 'none' ${rest}`;
}

/** Index of the word `SETTINGS` that begins them, and is no name. */
function settingsAt(tokens: readonly Token[]): number | undefined {
  const at = tokens.findIndex((token, index) => isWord(token, 'SETTINGS') && tokens[index + 2]?.text === '=');
  return at === -1 ? undefined : at;
}
