// Holds docs/opentelemetry.md, the attributes that spans carry and the columns of the ledger together.
import { ATTEMPT_ATTRIBUTES, REQUEST_ATTRIBUTES } from '@tokenledger/tracing';
import { beforeAll, expect, test } from 'vitest';
import { readRepositoryFile, repositoryFiles, sourceFiles } from './repository-files.ts';

let page: string;
let columns: readonly string[];

const code = (name: string): string => `\`${name}\``;

function expectedRows(): readonly string[] {
  const rows = (
    span: string,
    mappings: readonly { readonly attribute: string; readonly columns: readonly string[] }[],
  ): readonly string[] => mappings.map((mapping) => `| ${span} | ${code(mapping.attribute)} | ${mapping.columns.map(code).join(', ')} |`);
  return [...rows('request', REQUEST_ATTRIBUTES), ...rows('attempt', ATTEMPT_ATTRIBUTES)];
}

/** Columns that tables named `usage_events` are created with or given later. */
async function ledgerColumns(): Promise<readonly string[]> {
  const paths = (await repositoryFiles()).filter((path) => /^schemas\/clickhouse\/\d{4}_\w+\.sql$/.test(path));
  const texts = await Promise.all(paths.map(readRepositoryFile));
  const created = texts.flatMap((text) =>
    [...text.matchAll(/CREATE TABLE IF NOT EXISTS \S+\.usage_events [\s\S]*?\n\)\nENGINE/g)].map((match) => match[0]),
  );
  const altered = texts.flatMap((text) => [...text.matchAll(/ALTER TABLE \S+\.usage_events [^;]*/g)].map((match) => match[0]));
  return [
    ...created.flatMap((text) => [...text.matchAll(/^ {4}`?([a-z_.0-9]+)`? [A-Z][^\n]* COMMENT '/gm)].map((match) => match[1] ?? '')),
    ...altered.flatMap((text) => [...text.matchAll(/ADD COLUMN IF NOT EXISTS `?([a-z_.0-9]+)/g)].map((match) => match[1] ?? '')),
  ];
}

beforeAll(async () => {
  page = await readRepositoryFile('docs/opentelemetry.md');
  columns = await ledgerColumns();
});

test('the page maps the attributes that spans have, and no others', () => {
  expect(page.split('\n').filter((line) => /^\| (request|attempt) \|/.test(line))).toEqual(expectedRows());
});

test('the page names every column of the ledger, and says why one is not exported', () => {
  expect(columns.length).toBeGreaterThan(100);
  const named = new Set([...page.matchAll(/`([^`\n]+)`/g)].map((match) => match[1]));
  expect(columns.filter((column) => !named.has(column))).toEqual([]);
});

test('the columns that attributes come from exist', () => {
  const mapped = [...REQUEST_ATTRIBUTES, ...ATTEMPT_ATTRIBUTES].flatMap((mapping) => mapping.columns);
  expect(mapped.filter((column) => !columns.includes(column))).toEqual([]);
});

test("OpenTelemetry's packages are named by one file, which is loaded only when tracing is on", async () => {
  const paths = (await sourceFiles()).filter((path) => /^(packages|services)\//.test(path));
  const texts = await Promise.all(paths.map(async (path) => ({ path, text: await readRepositoryFile(path) })));
  const naming = (pattern: RegExp): readonly string[] => texts.filter(({ text }) => pattern.test(text)).map(({ path }) => path);
  expect(naming(/from '@opentelemetry\//)).toEqual(['packages/tracing/src/otlp-exporter.ts']);
  expect(naming(/^import (?!type)[^;]*otlp-exporter/m)).toEqual([]);
  expect(naming(/await import\('\.\/otlp-exporter\.ts'\)/)).toEqual(['packages/tracing/src/tracing.ts']);
});
