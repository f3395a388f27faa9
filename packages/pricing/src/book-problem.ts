/** What is wrong with a price book, and where: the path into it, and the line of the text. */
import { rejected, type Rejected } from '@tokenledger/domain';
import { type Document, LineCounter, parseDocument } from 'yaml';

const PROBLEMS_SHOWN_MAX = 10;

export type Path = readonly (string | number)[];

export interface PriceProblem {
  /** From 1. */
  readonly line: number;
  /** E.g. `blocks[3].prices.standard.input`; `the top` of the whole file. */
  readonly path: string;
  readonly message: string;
}

/** Text that was parsed as YAML, of which JSON is a part; every scalar is text. */
export interface ParsedText {
  readonly document: Document.Parsed;
  readonly lines: LineCounter;
}

export function parseText(text: string): ParsedText {
  const lines = new LineCounter();
  // The failsafe schema knows no numbers: 0.30 stays the text that someone wrote.
  return { document: parseDocument(text, { schema: 'failsafe', uniqueKeys: true, lineCounter: lines }), lines };
}

/** Null when the text is one document of YAML. */
export function syntaxProblem({ document, lines }: ParsedText): PriceProblem | null {
  const [error] = document.errors;
  if (error === undefined) return null;
  return { line: lines.linePos(error.pos[0]).line, path: 'the top', message: error.message.replaceAll(/\s+/g, ' ').trim() };
}

export function problemAt(parsed: ParsedText, path: Path, message: string): PriceProblem {
  return { line: lineOf(parsed, path), path: pathText(path), message };
}

export function invalidBook(problems: readonly PriceProblem[]): Rejected {
  const shown = problems.slice(0, PROBLEMS_SHOWN_MAX).map(problemText);
  const more = problems.length > shown.length ? `; and ${problems.length - shown.length} more` : '';
  return rejected('PRICE_BOOK_INVALID', `the price book is wrong at ${shown.join('; ')}${more}`);
}

export function problemText({ line, path, message }: PriceProblem): string {
  return `line ${line}, ${path}: ${message}`;
}

/** The line of the place itself, or of the nearest that exists around it. */
function lineOf({ document, lines }: ParsedText, path: Path): number {
  for (let length = path.length; length > 0; length -= 1) {
    const node: unknown = document.getIn(path.slice(0, length), true);
    const range = (node as { readonly range?: readonly number[] | null } | undefined)?.range;
    if (range?.[0] !== undefined) return lines.linePos(range[0]).line;
  }
  return 1;
}

function pathText(path: Path): string {
  const text = path.map((part) => (typeof part === 'number' ? `[${part}]` : `.${part}`)).join('');
  return text === '' ? 'the top' : text.replace(/^\./, '');
}
