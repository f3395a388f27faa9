import { expect, test } from 'vitest';
import { insertFromFile } from './insert-from-file.ts';

test.each([
  ['INSERT INTO t FORMAT TSV', "INSERT INTO t FROM INFILE 'f' COMPRESSION 'none' FORMAT TSV"],
  ['insert into d.t (a, b)\nformat Native', "insert into d.t (a, b)\nFROM INFILE 'f' COMPRESSION 'none' format Native"],
  ['INSERT INTO t VALUES', "INSERT INTO t FROM INFILE 'f' COMPRESSION 'none' FORMAT Values"],
  ['INSERT INTO t SETTINGS a = 1, b = 2 FORMAT CSV', "INSERT INTO t FROM INFILE 'f' COMPRESSION 'none' SETTINGS a = 1, b = 2 FORMAT CSV"],
  ['INSERT INTO t (a) SETTINGS a = 1 VALUES', "INSERT INTO t (a) FROM INFILE 'f' COMPRESSION 'none' SETTINGS a = 1 FORMAT Values"],
  ['INSERT INTO Values (n) FORMAT Values', "INSERT INTO Values (n) FROM INFILE 'f' COMPRESSION 'none' FORMAT Values"],
  [
    'INSERT INTO settings (format, values) FORMAT CSV',
    "INSERT INTO settings (format, values) FROM INFILE 'f' COMPRESSION 'none' FORMAT CSV",
  ],
])('%s', (head, statement) => {
  expect(insertFromFile(head, 'f')).toBe(statement);
});

test('the name of the file is quoted', () => {
  expect(insertFromFile('INSERT INTO t FORMAT CSV', "it's")).toContain(String.raw`INFILE 'it\'s'`);
});
