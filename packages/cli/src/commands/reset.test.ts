import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockDataDir } from '@tokenledger/runtime';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { recordDemoUse, recordOtherUse } from '../demo/record.ts';
import { loadSettings, type Settings } from '../settings.ts';
import { resetDemo } from './reset.ts';

let folder: string;
let settings: Settings;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tokenledger-reset-'));
  settings = loadSettings({ file: undefined, flags: [], environment: {}, workingDir: folder });
});
afterEach(() => rmSync(folder, { recursive: true }));

const NOW = new Date('2026-05-01T00:00:00Z');

function startDemo(clickhouseUrl = ''): void {
  mkdirSync(settings.layout.root, { recursive: true });
  recordDemoUse(settings.layout, clickhouseUrl, NOW);
  for (const name of ['log', 'clickhouse', 'simulator', 'secrets']) {
    mkdirSync(join(settings.layout.root, name), { recursive: true });
    writeFileSync(join(settings.layout.root, name, 'file'), 'x'.repeat(100_000));
  }
}

function reset(): readonly string[] {
  const lines: string[] = [];
  resetDemo(settings, (line) => lines.push(line));
  return lines;
}

test('a demo directory goes whole, each part named with its size', () => {
  startDemo();
  const lines = reset();
  expect(existsSync(settings.layout.root)).toBe(false);
  expect(lines).toContain(`removed ${settings.layout.log} (0.1 MB)`);
  expect(lines.at(-1)).toBe('The demo is forgotten.');
});

test('a second start and a second reset find nothing left', () => {
  startDemo();
  reset();
  expect(reset()).toEqual(['There is no demo in .tokenledger: nothing to remove.']);
  startDemo();
  expect(reset().at(-1)).toBe('The demo is forgotten.');
});

test('a file that is not the demo’s is kept and named', () => {
  startDemo();
  writeFileSync(join(settings.layout.root, 'notes.txt'), '');
  expect(reset()).toContain(`kept notes.txt in ${settings.layout.root}: not the demo's`);
  expect(existsSync(join(settings.layout.root, 'notes.txt'))).toBe(true);
});

describe('it refuses, and removes nothing,', () => {
  const refusal = (): unknown => {
    try {
      return reset();
    } catch (error) {
      return { error, logIsThere: existsSync(settings.layout.log) };
    }
  };
  const refused = (code: string, message: RegExp): unknown => ({
    error: expect.objectContaining({ code, message: expect.stringMatching(message) }),
    logIsThere: true,
  });

  test('while something runs on the directory', () => {
    startDemo();
    const lock = lockDataDir(settings.layout);
    expect(refusal()).toEqual(refused('DATA_DIR_IN_USE', /in use by another process/));
    lock.release();
  });

  test('a directory that was later used without the demo', () => {
    startDemo();
    recordOtherUse(settings.layout, NOW);
    expect(refusal()).toEqual(refused('RESET_REFUSED', /was also used without the demo \(2026-05-01/));
  });

  test('a directory that was used before its first demo', () => {
    mkdirSync(settings.layout.root);
    recordOtherUse(settings.layout, NOW);
    startDemo();
    expect(refusal()).toEqual(refused('RESET_REFUSED', /was also used without the demo/));
  });

  test('a directory that never held a demo', () => {
    mkdirSync(settings.layout.log, { recursive: true });
    expect(refusal()).toEqual(refused('RESET_REFUSED', /does not hold a demo: delete .* yourself/));
  });

  test('a directory that only ever served something else', () => {
    mkdirSync(settings.layout.log, { recursive: true });
    recordOtherUse(settings.layout, NOW);
    expect(refusal()).toEqual(refused('RESET_REFUSED', /does not hold a demo/));
  });

  test('a demo whose rows are in another ClickHouse', () => {
    startDemo('http://warehouse:8123');
    expect(refusal()).toEqual(refused('RESET_REFUSED', /also in http:\/\/warehouse:8123: drop the database there/));
  });
});
