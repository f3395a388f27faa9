/** Documents from files as people write them: YAML or JSON, one or several in a file, by sections or each with its `kind`. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { AppError } from '@tokenledger/domain';
import { isMap, isPair, isScalar, isSeq, LineCounter, parseAllDocuments, type Document, type Node } from 'yaml';

/** A document as it was written; whether it is right is for the registry to say. */
export interface WrittenDocument {
  readonly document: Readonly<Record<string, unknown>>;
  /** `acme.yaml:12`. */
  readonly place: string;
}

/** Sections of the config file and the kind of what stands in them. */
const SECTIONS: Readonly<Record<string, string>> = {
  tenants: 'tenant',
  projects: 'project',
  owners: 'owner',
  virtual_keys: 'virtual_key',
  channels: 'channel',
  routes: 'route',
  price_books: 'price_book',
  price_book_activations: 'price_book_activation',
  contracts: 'contract',
  rate_cards: 'rate_card',
  fx_rates: 'fx_rate',
  closed_periods: 'closed_period',
};

/** The section of a config file that holds the others. */
const WRAPPER = 'documents';
const STANDARD_INPUT = '-';

/** Reads all files before anything is sent. `-` is standard input. Throws `DOCUMENT_FILE_UNREADABLE`, `DOCUMENT_FILE_INVALID`. */
export async function readDocumentFiles(paths: readonly string[]): Promise<readonly WrittenDocument[]> {
  const documents: WrittenDocument[] = [];
  for (const path of paths) {
    const fromInput = path === STANDARD_INPUT;
    const parsed = parseDocuments(fromInput ? await readAll(process.stdin) : readText(path), fromInput ? 'standard input' : path);
    documents.push(...parsed.map((written) => withBookText(written, fromInput ? '.' : dirname(path))));
  }
  return documents;
}

/** The field that holds prices as text. */
const PRICES: Readonly<Record<string, string>> = { price_book: 'text', contract: 'prices', rate_card: 'prices' };

/** Whatever has prices may name their file instead of holding their text. */
function withBookText(written: WrittenDocument, directory: string): WrittenDocument {
  const { file, ...document } = written.document;
  const field = PRICES[String(document['kind'])];
  if (field === undefined || typeof file !== 'string') return written;
  return { ...written, document: { ...document, [field]: readText(resolve(directory, file)) } };
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new AppError('DOCUMENT_FILE_UNREADABLE', `the file ${path} cannot be read: correct the path`, { cause });
  }
}

/** `name`: of the file, for messages. Throws `DOCUMENT_FILE_INVALID`. */
export function parseDocuments(text: string, name: string): readonly WrittenDocument[] {
  const lines = new LineCounter();
  const placeOf = (node: unknown): string => `${name}:${lines.linePos((node as Node | null)?.range?.[0] ?? 0).line}`;
  const parsed = parseAllDocuments(text, { lineCounter: lines, uniqueKeys: true });
  const found: WrittenDocument[] = [];
  for (const part of 'empty' in parsed ? [] : parsed) {
    const [wrong] = part.errors;
    if (wrong !== undefined) throw invalid(`${name}:${lines.linePos(wrong.pos[0]).line}`, wrong.message.split('\n', 1)[0] ?? '');
    collect(part, part.contents, placeOf, found);
  }
  return found;
}

type PlaceOf = (node: unknown) => string;

function collect(part: Document.Parsed, node: unknown, placeOf: PlaceOf, found: WrittenDocument[]): void {
  if (node === null || (isScalar(node) && node.value === null)) return;
  if (isSeq(node)) {
    for (const item of node.items) found.push(documentOf(part, item, undefined, placeOf));
  } else if (isMap(node) && node.has('kind')) {
    found.push(documentOf(part, node, undefined, placeOf));
  } else if (isMap(node)) {
    const wrapped = node.get(WRAPPER, true);
    // The other sections of a whole config file are settings of a process: nothing to apply.
    if (isMap(wrapped)) collectSections(part, wrapped, placeOf, found);
    else collectSections(part, node, placeOf, found);
  } else {
    throw invalid(placeOf(node), `expected documents: a mapping with kind and id, a list of them, or sections (${names()})`);
  }
}

function collectSections(part: Document.Parsed, sections: unknown, placeOf: PlaceOf, found: WrittenDocument[]): void {
  if (!isMap(sections)) return;
  for (const pair of sections.items) {
    const section = isPair(pair) && isScalar(pair.key) ? String(pair.key.value) : '';
    const kind = SECTIONS[section];
    // A path that belongs to the process which reads the config file.
    if (section === 'price_book' && isScalar(pair.value)) continue;
    if (kind === undefined)
      throw invalid(placeOf(pair.key), `'${section}' is neither a section of documents (${names()}) nor has this a kind`);
    if (pair.value === null || (isScalar(pair.value) && pair.value.value === null)) continue;
    if (!isSeq(pair.value)) throw invalid(placeOf(pair.value), `${section} is not a list`);
    for (const item of pair.value.items) found.push(documentOf(part, item, kind, placeOf));
  }
}

function documentOf(part: Document.Parsed, node: unknown, kind: string | undefined, placeOf: PlaceOf): WrittenDocument {
  if (!isMap(node)) throw invalid(placeOf(node), 'expected a document: a mapping with an id');
  const own = isScalar(node.get('kind', true)) ? String(node.get('kind')) : undefined;
  const named = own ?? kind;
  if (named === undefined) throw invalid(placeOf(node), 'the document has no kind: write one of those that `tokenledger get --help` lists');
  if (kind !== undefined && own !== undefined && own !== kind) throw invalid(placeOf(node), `a ${own} stands among those of kind ${kind}`);
  return { document: { ...(node.toJS(part) as object), kind: named }, place: placeOf(node) };
}

function names(): string {
  return Object.keys(SECTIONS).join(', ');
}

function invalid(place: string, why: string): AppError {
  return new AppError('DOCUMENT_FILE_INVALID', `${place}: ${why}`);
}
