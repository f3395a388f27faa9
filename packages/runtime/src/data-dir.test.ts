import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { dataLayout, lockDataDir, readRunNote, removeRunNote, requireWritableDir, writeRunNote, type RunNote } from './data-dir.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'tokenledger-data-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const note: RunNote = {
  pid: 4711,
  version: '0.1.0',
  started_at: '2026-01-01T00:00:00.000Z',
  roles: ['ingress'],
  urls: { ingress: 'http://127.0.0.1:1' },
};

test('one holder at a time, and the next one after it let go', () => {
  const layout = dataLayout(join(folder, 'new'));
  const lock = lockDataDir(layout);
  writeRunNote(layout, note);
  expect(() => lockDataDir(layout)).toThrow(
    expect.objectContaining({ code: 'DATA_DIR_IN_USE', message: expect.stringContaining('in use by process 4711') }),
  );
  lock.release();
  lockDataDir(layout).release();
});

test('a directory that cannot be made is refused with its path and what to do', () => {
  writeFileSync(join(folder, 'file'), '');
  const layout = dataLayout(join(folder, 'file', 'data'));
  expect(() => requireWritableDir(layout)).toThrow(
    expect.objectContaining({
      code: 'DATA_DIR_UNWRITABLE',
      message: expect.stringMatching(/data\.dir .*file\/data cannot be written \(ENOTDIR\): .*--data DIR$/),
    }),
  );
});

test('the run note comes back as it was written, and is gone after the stop', () => {
  const layout = dataLayout(folder);
  expect(readRunNote(layout)).toBeUndefined();
  writeRunNote(layout, note);
  expect(readRunNote(layout)).toEqual(note);
  removeRunNote(layout);
  expect(readRunNote(layout)).toBeUndefined();
});
