import { expect, test } from 'vitest';
import { splitStatements } from './split.ts';

test('statements end at semicolons that are code, and know their line', () => {
  const sql =
    "-- first; not code\nCREATE TABLE a (s String DEFAULT ';'); -- behind\n\n/* a; b */ INSERT INTO `a;b` VALUES ('it''s;');;\n  SELECT 1\n-- end";
  expect(splitStatements(sql)).toEqual([
    { text: "CREATE TABLE a (s String DEFAULT ';')", line: 2 },
    { text: "INSERT INTO `a;b` VALUES ('it''s;')", line: 4 },
    { text: 'SELECT 1', line: 5 },
  ]);
});

test('a comment inside a statement stays in it', () => {
  expect(splitStatements('SELECT 1 -- one; more\n+ 2;')).toEqual([{ text: 'SELECT 1 -- one; more\n+ 2', line: 1 }]);
});

test('there is no statement in a file of comments', () => {
  expect(splitStatements('-- nothing\n/* at all; */;;')).toEqual([]);
});
