/** The config file: YAML with the line of every value, so that a message can point at it. */
import { readFileSync } from 'node:fs';
import { AppError } from '@tokenledger/domain';
import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Document } from 'yaml';

export interface ConfigFile {
  /** As it was given: this is what messages show. */
  readonly path: string;
  readonly values: unknown;
  /** Line (from 1) of the deepest part of `path` that the file has. */
  readonly lineOf: (path: readonly PropertyKey[]) => number;
}

/** Reads and parses. Throws `CONFIG_UNREADABLE`. */
export function readConfigFile(path: string): ConfigFile {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new AppError('CONFIG_UNREADABLE', `${path}: cannot be read (${reason(error)}); correct the path given with --config`, {
      cause: error,
    });
  }
  return parseConfigFile(path, text);
}

/** Throws `CONFIG_UNREADABLE` where the text is not YAML. */
function parseConfigFile(path: string, text: string): ConfigFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const broken = document.errors[0];
  if (broken !== undefined) {
    const why = broken.message.split('\n')[0] ?? broken.code;
    throw new AppError('CONFIG_UNREADABLE', `${path}:${lines.linePos(broken.pos[0]).line}: not valid YAML (${why}); correct the syntax`);
  }
  return { path, values: document.toJS(), lineOf: (wanted) => lines.linePos(offsetOf(document, wanted)).line };
}

function offsetOf(document: Document.Parsed, wanted: readonly PropertyKey[]): number {
  let node: unknown = document.contents;
  let offset = document.contents?.range?.[0] ?? 0;
  for (const part of wanted) {
    if (isMap(node)) {
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === String(part));
      if (pair === undefined || !isScalar(pair.key)) return offset;
      offset = pair.key.range?.[0] ?? offset;
      node = pair.value;
    } else if (isSeq(node)) {
      const item: unknown = node.items[Number(part)];
      if (!isMap(item) && !isSeq(item) && !isScalar(item)) return offset;
      offset = item.range?.[0] ?? offset;
      node = item;
    } else {
      return offset;
    }
  }
  return offset;
}

function reason(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  switch (code) {
    case 'ENOENT':
      return 'it does not exist';
    case 'EACCES':
      return 'permission denied';
    case 'EISDIR':
      return 'it is a directory';
    default:
      return error instanceof Error ? error.message : String(error);
  }
}
