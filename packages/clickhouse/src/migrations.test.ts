import { expect, test } from 'vitest';
import type { MigrationFile } from './migration-file.ts';
import { compareMigrations } from './migrations.ts';

const file = (version: number, name: string, checksum = name): MigrationFile => ({ version, name, checksum, fileName: '', sql: '' });
const row = (version: number, name: string, checksum = name) => ({ version, name, checksum, applied_at: `t${version}` });
const states = (files: readonly MigrationFile[], rows: readonly ReturnType<typeof row>[]) =>
  compareMigrations(files, rows).map(({ version, state }) => `${version} ${state}`);

test('migrations are applied, pending, changed, unknown or out of order', () => {
  expect(states([file(1, 'a'), file(2, 'b')], [])).toEqual(['1 pending', '2 pending']);
  expect(states([file(1, 'a'), file(2, 'b')], [row(1, 'a')])).toEqual(['1 applied', '2 pending']);
  expect(states([file(1, 'a', 'edited')], [row(1, 'a')])).toEqual(['1 changed']);
  expect(states([file(1, 'renamed', 'a')], [row(1, 'a')])).toEqual(['1 changed']);
  expect(states([file(1, 'a')], [row(1, 'a'), row(2, 'b')])).toEqual(['1 applied', '2 unknown']);
  expect(states([file(1, 'a'), file(2, 'b'), file(3, 'c')], [row(1, 'a'), row(3, 'c')])).toEqual([
    '1 applied',
    '2 out_of_order',
    '3 applied',
  ]);
});

test('an applied migration is shown with the name and time of its row', () => {
  expect(compareMigrations([file(1, 'renamed')], [row(1, 'a')])).toEqual([{ version: 1, name: 'a', state: 'changed', appliedAt: 't1' }]);
});
