import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadConfig } from '@tokenledger/runtime';
import { expect, test } from 'vitest';
import { configurationPage } from './configuration-page.ts';
import { REPOSITORY } from './repository.ts';
import { SECTIONS } from './settings.ts';

const options = SECTIONS.flatMap((section) => section.options);

test('the variables that people know by name are these', () => {
  expect(options.map((option) => option.environment)).toEqual(
    expect.arrayContaining([
      'TOKENLEDGER_DATA_DIR',
      'TOKENLEDGER_INGRESS_PORT',
      'TOKENLEDGER_CLICKHOUSE_PORT',
      'TOKENLEDGER_ADMIN_PORT',
      'TOKENLEDGER_DEMO',
    ]),
  );
});

test('no two options share a variable', () => {
  const variables = options.map((option) => option.environment);
  expect(variables.filter((variable, index) => variables.indexOf(variable) !== index)).toEqual([]);
});

test('a number has its unit in its name', () => {
  const units =
    /(^|_)(ms|s|days|ratio|bytes|records|events|entries|items|connections|batch|ranges|sources|changes|partitions|replicas|port|failures|threads|queue)(_|$)/;
  const numbers = options.filter((option) => option.type === 'integer' || option.type === 'number');
  expect(numbers.map((option) => option.name).filter((name) => !units.test(name))).toEqual([]);
});

test('docs/configuration.md is what the sections say: npm run docs:config', () => {
  expect(readFileSync(REPOSITORY.configurationPage, 'utf8')).toBe(configurationPage());
});

test.each([
  ['the demo', REPOSITORY.demoDocuments],
  ['the example', join(REPOSITORY.demoDocuments, '..', '..', 'tokenledger.example.yaml')],
])('%s is a valid config file', (_name, file) => {
  expect(loadConfig(SECTIONS, { file }).config.documents.virtual_keys.length).toBeGreaterThan(0);
});

test('the example shows every section', () => {
  const text = readFileSync(join(REPOSITORY.demoDocuments, '..', '..', 'tokenledger.example.yaml'), 'utf8');
  expect(SECTIONS.map((section) => section.name).filter((name) => !new RegExp(`^${name}:`, 'm').test(text))).toEqual([]);
});
