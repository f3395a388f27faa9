import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { avroType } from './avro-types.ts';
import { frameReader } from './framing.ts';
import { recordCodec } from './record-codec.ts';
import { loadVersions, RECORD_NAMES, VERSIONS } from './schema-versions.ts';

const DIRECTORY = new URL('../../../schemas/avro/', import.meta.url);

/** Throws when one of two neighbours cannot read what the other writes. */
function readEachOther(versions: readonly unknown[]): void {
  const types = versions.map(avroType);
  for (const [index, newer] of types.entries()) {
    const older = types[index - 1];
    if (older === undefined) continue;
    newer.createResolver(older);
    older.createResolver(newer);
  }
}

const record = (...fields: readonly object[]): unknown => ({ type: 'record', name: 'Thing', namespace: 'test', fields });
const id = { name: 'id', type: 'string' };
const note = { name: 'note', type: ['null', 'long'], default: null };
const labels = { name: 'labels', type: { type: 'map', values: 'string' }, default: {} };
const parts = { name: 'parts', type: { type: 'array', items: { type: 'record', name: 'Part', fields: [note] } }, default: [] };

test.each(RECORD_NAMES)('neighbouring versions of %s read each other', (name) => {
  expect(() => readEachOther(loadVersions(name))).not.toThrow();
});

describe('what makes neighbours compatible', () => {
  test('a field added or removed with a default', () => {
    expect(() => readEachOther([record(id, labels), record(id, note, parts)])).not.toThrow();
  });
  test('not a field without a default', () => {
    expect(() => readEachOther([record(id), record(id, { name: 'more', type: 'string' })])).toThrow('no matching field');
    expect(() => readEachOther([record(id, { name: 'more', type: 'string' }), record(id)])).toThrow('no matching field');
  });
  test('not a field of another type', () => {
    expect(() => readEachOther([record(id), record({ name: 'id', type: 'long' })])).toThrow('cannot read');
  });
});

describe('a codec with two versions', () => {
  interface Row {
    readonly id: string;
    readonly note?: number | null;
    readonly labels?: Readonly<Record<string, string>>;
    readonly parts?: readonly object[];
  }
  const versions = [record(id, labels, parts), record(id, note)];
  const codecOf = (known: readonly unknown[]) =>
    recordCodec<Row, Row>({ versions: known, toRow: (row) => row, fromRow: (row) => ({ ...row }) });
  const old = codecOf(versions.slice(0, 1));
  const current = codecOf(versions);
  const oldRow = { id: 'a', labels: { x: 'y' }, parts: [{ note: 7 }, { note: null }] };

  test('reads what the older one wrote, skipping what it does not know', () => {
    expect(frameReader(current.readers)(old.encode(oldRow))).toEqual({ id: 'a', note: null });
  });
  test('writes the newest', () => {
    expect(frameReader(current.readers)(current.encode({ id: 'a', note: 7 }))).toEqual({ id: 'a', note: 7 });
  });
  test('is read by the older one once that is given the schema', () => {
    const bytes = Buffer.concat([Buffer.from([0, 0, 0, 0, 2]), current.encode({ id: 'a', note: 7 }).subarray(10)]);
    expect(frameReader(old.readers)(bytes, { schemaById: () => versions[1] })).toEqual({ id: 'a', labels: {}, parts: [] });
  });
  test('rejects damaged bytes of the older version, however large the counts in what it skips', () => {
    const bytes = old.encode({ ...oldRow, labels: {}, parts: [] });
    for (const count of ['feffffffffffffff7f', 'ffffffffffffffff7fffffffffffffffff7f']) {
      const damaged = Buffer.concat([bytes.subarray(0, -2), Buffer.from(count, 'hex'), Buffer.of(0)]);
      expect(frameReader(current.readers)(damaged)).toMatchObject({ kind: 'rejected', code: 'UNDECODABLE' });
    }
  });
});

describe('the schema files', () => {
  const files = readdirSync(DIRECTORY).filter((file) => file.endsWith('.avsc'));

  test('are all in use', () => {
    const used = RECORD_NAMES.flatMap((name) => Array.from({ length: VERSIONS[name] }, (_, index) => `${name}.v${index + 1}.avsc`));
    expect(files.toSorted()).toEqual(used.toSorted());
  });

  test('are those of their checksums: an old version is never edited, a new one is added to SHA256SUMS', () => {
    const listed = readFileSync(new URL('SHA256SUMS', DIRECTORY), 'utf8').trimEnd().split('\n');
    const actual = files.toSorted().map(
      (file) =>
        `${createHash('sha256')
          .update(readFileSync(new URL(file, DIRECTORY)))
          .digest('hex')}  ${file}`,
    );
    expect(actual).toEqual(listed.toSorted((a, b) => (a.slice(66) < b.slice(66) ? -1 : 1)));
  });

  test('say of every record and field what it is', () => {
    const undocumented: string[] = [];
    const visit = (node: unknown, path: string): void => {
      if (Array.isArray(node)) for (const each of node) visit(each, path);
      if (typeof node !== 'object' || node === null || Array.isArray(node)) return;
      const { name, doc, type, items, fields } = node as Record<string, unknown>;
      const here = typeof name === 'string' ? `${path}.${name}` : path;
      if (typeof name === 'string' && (typeof doc !== 'string' || doc.length < 8)) undocumented.push(here);
      for (const child of [type, items, fields]) visit(child, here);
    };
    for (const file of files) visit(JSON.parse(readFileSync(new URL(file, DIRECTORY), 'utf8')), file);
    expect(undocumented).toEqual([]);
  });

  test('nest in the newest priced event the newest usage event', () => {
    const priced = loadVersions('PricedEvent').at(-1) as { fields: { name: string; type: object }[] };
    const usage = loadVersions('UsageEvent').at(-1) as object;
    expect(priced.fields.find((field) => field.name === 'event')?.type).toEqual(usage);
  });
});
