import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { loadConfig, type ConfigSources } from './load.ts';
import { ConfigError, problemLine } from './problem.ts';
import { defineSection } from './section.ts';

const sections = [
  defineSection('server', {
    about: 'A server.',
    schema: z.strictObject({
      port: z.int().min(0).max(65_535).default(8080).describe('Port.'),
      fast: z.boolean().default(true).describe('Fast.'),
      mode: z.enum(['a', 'b']).default('a').describe('Mode.'),
      demo: z
        .union([z.boolean(), z.literal('auto')])
        .default('auto')
        .describe('Demo.'),
      names: z.array(z.string()).default([]).describe('Names.'),
      password: z.string().max(3).default('').describe('Password.'),
    }),
    environment: { fast: 'TOKENLEDGER_FAST' },
    alsoEnvironment: { names: 'SERVER_NAMES', port: 'SERVER_PORT' },
  }),
  defineSection('documents', {
    about: 'Documents.',
    schema: z.strictObject({
      items: z
        .array(z.strictObject({ id: z.string() }))
        .default([])
        .describe('Items.'),
    }),
  }),
] as const;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tokenledger-config-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function file(text: string): string {
  const path = join(folder, 'tokenledger.yaml');
  writeFileSync(path, text);
  return path;
}

function problems(sources: ConfigSources): readonly string[] {
  try {
    loadConfig(sections, sources);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems.map((problem) => problemLine(problem).replace(`${folder}/`, ''));
    throw error;
  }
  return [];
}

describe('precedence', () => {
  const flag = { flag: '--port', section: 'server', option: 'port', value: 1 };
  const environment = { TOKENLEDGER_SERVER_PORT: '2' };
  const text = 'server:\n  port: 3\n';

  test.each([
    ['a flag wins over everything', { flags: [flag], environment, file: text }, 1],
    ['the environment wins over the file', { flags: [], environment, file: text }, 2],
    ['the file wins over the default', { flags: [], environment: {}, file: text }, 3],
    ['the default is last', { flags: [], environment: {}, file: '' }, 8080],
  ])('%s', (_name, sources, port) => {
    expect(loadConfig(sections, { ...sources, file: file(sources.file) }).config.server.port).toBe(port);
  });

  test('an option that only the environment sets leaves the others of its section as the file has them', () => {
    const { config } = loadConfig(sections, { environment, file: file('server:\n  mode: b\n') });
    expect(config.server).toMatchObject({ port: 2, mode: 'b' });
  });
});

describe('the environment', () => {
  test('text becomes the type of the option', () => {
    const { config } = loadConfig(sections, {
      environment: { TOKENLEDGER_FAST: 'no', TOKENLEDGER_SERVER_NAMES: 'x, y', TOKENLEDGER_DOCUMENTS_ITEMS: '[{"id":"q"}]' },
    });
    expect(config.server).toMatchObject({ fast: false, names: ['x', 'y'] });
    expect(config.documents.items).toEqual([{ id: 'q' }]);
  });

  test('a switch takes true and false in words, or its own word', () => {
    const demo = (text: string): unknown => loadConfig(sections, { environment: { TOKENLEDGER_SERVER_DEMO: text } }).config.server.demo;
    expect([demo('off'), demo('1'), demo('auto')]).toEqual([false, true, 'auto']);
    expect(() => demo('maybe')).toThrow('server.demo is "maybe", expected true or false or auto');
  });

  test('a customary variable is read where the own one is not set, and named when it is wrong', () => {
    const names = (environment: Record<string, string>): unknown => loadConfig(sections, { environment }).config.server.names;
    expect(names({ SERVER_NAMES: 'a,b' })).toEqual(['a', 'b']);
    expect(names({ SERVER_NAMES: 'a,b', TOKENLEDGER_SERVER_NAMES: 'c' })).toEqual(['c']);
    expect(problems({ environment: { SERVER_PORT: 'x' } })).toEqual([
      "SERVER_PORT: server.port is 'x', expected a whole number, 0 to 65535; correct or unset the variable",
    ]);
  });

  test('an empty variable counts as unset', () => {
    expect(loadConfig(sections, { environment: { TOKENLEDGER_SERVER_PORT: '' } }).config.server.port).toBe(8080);
  });

  test('text of another type is refused and the variable named', () => {
    expect(problems({ environment: { TOKENLEDGER_SERVER_PORT: '80a' } })).toEqual([
      "TOKENLEDGER_SERVER_PORT: server.port is '80a', expected a whole number, 0 to 65535; correct or unset the variable",
    ]);
  });

  test('a misspelt variable is a warning, other variables are none of our business', () => {
    const { warnings } = loadConfig(sections, {
      environment: { TOKENLEDGER_SERVER_PROT: '1', TOKENLEDGER_WEB_PORT_80_TCP_ADDR: 'x', PATH: 'y' },
    });
    expect(warnings).toEqual(['the variable TOKENLEDGER_SERVER_PROT is not an option: did you mean TOKENLEDGER_SERVER_PORT?']);
  });
});

describe('one line says which, why and what to do', () => {
  test.each([
    ['server:\n  port: 1\n  prot: 2\n', "tokenledger.yaml:3: server.prot is not an option; did you mean 'port'?"],
    ['servr:\n  port: 2\n', "tokenledger.yaml:1: servr is not a section; did you mean 'server'?"],
    ['completely: {}\n', 'tokenledger.yaml:1: completely is not a section; remove it, or use one of: server, documents'],
    ['server: 5\n', 'tokenledger.yaml:1: server is not a mapping; write its options below it: port, fast, mode, demo, names, password'],
    [
      '# a comment\nserver:\n  mode: c\n',
      'tokenledger.yaml:3: server.mode is "c", expected one of a, b; correct it, or remove it for the default ("a")',
    ],
    [
      'server:\n  port: 70000\n',
      'tokenledger.yaml:2: server.port is 70000, expected a whole number, 0 to 65535; correct it, or remove it for the default (8080)',
    ],
    [
      'documents:\n  items:\n    - id: a\n    - id: 5\n',
      'tokenledger.yaml:4: documents.items[1].id is 5, expected string, received number; correct it, or remove it for the default ([])',
    ],
    [
      'documents:\n  items:\n    - id: a\n      colour: red\n',
      'tokenledger.yaml:4: documents.items[0].colour is not an option; remove it, or see docs/configuration.md for the fields there are',
    ],
    ['- a\n', 'tokenledger.yaml:1: the file is not a mapping of sections; start it with a section name and a colon'],
  ])('%j', (text, line) => {
    expect(problems({ file: file(text) })).toEqual([line]);
  });

  test('every problem is found at once; the message is the first line and says how many follow', () => {
    const path = file('server:\n  port: -1\n  mode: c\n');
    expect(problems({ file: path })).toHaveLength(2);
    expect(() => loadConfig(sections, { file: path })).toThrow(/server\.port is -1.* \(and 1 more: see --check-config\)$/);
  });

  test('the value of a secret is not shown', () => {
    const [line] = problems({ file: file('server:\n  password: hunter2\n') });
    expect(line).toContain('server.password is a value that is not shown');
    expect(line).not.toContain('hunter2');
  });

  test('a file that is not YAML names the line', () => {
    const path = file('server:\n  port: 1\n mode: [\n');
    expect(() => loadConfig(sections, { file: path })).toThrow(
      expect.objectContaining({
        code: 'CONFIG_UNREADABLE',
        message: expect.stringMatching(/tokenledger\.yaml:\d: not valid YAML \([^\n]+$/),
      }),
    );
  });

  test('a file that is not there says so', () => {
    expect(() => loadConfig(sections, { file: join(folder, 'none.yaml') })).toThrow(/none\.yaml: cannot be read \(it does not exist\)/);
  });
});

test('an empty file and an empty section mean the defaults', () => {
  expect(loadConfig(sections, { file: file('server:\n') }).config.server.port).toBe(8080);
  expect(loadConfig(sections, { file: file('') }).config.server.port).toBe(8080);
});

test('the result is frozen all the way down', () => {
  const { config } = loadConfig(sections, { file: file('documents:\n  items:\n    - id: a\n') });
  expect([config, config.server, config.documents.items, config.documents.items[0]].every((value) => Object.isFrozen(value))).toBe(true);
});

test('each value that is not a default knows where it came from', () => {
  const { origins } = loadConfig(sections, { environment: { TOKENLEDGER_FAST: '1' }, file: file('server:\n  port: 3\n') });
  expect(origins.get('server.fast')).toEqual({ kind: 'environment', variable: 'TOKENLEDGER_FAST' });
  expect(origins.get('server.port')).toMatchObject({ kind: 'file', line: 2 });
  expect(origins.has('server.mode')).toBe(false);
});
