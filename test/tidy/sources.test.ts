// Keeps the source readable: sizes, names, first sentences, and nothing that was meant to be temporary.
import { basename, dirname } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { readRepositoryFile, repositoryFiles, sourceFiles } from './repository-files.ts';

const linesMax = 400;
/** Files that may be longer, each with the reason why a second file would read worse. */
const longFiles = new Map<string, string>();

interface SourceFile {
  readonly path: string;
  readonly text: string;
}

let sources: readonly SourceFile[];

beforeAll(async () => {
  sources = await Promise.all((await sourceFiles()).map(async (path) => ({ path, text: await readRepositoryFile(path) })));
});

/** Lines that match, as `path:line: text`. This folder names what it forbids and is left out. */
function linesWith(pattern: RegExp): readonly string[] {
  return sources
    .filter(({ path }) => !path.startsWith('test/tidy/'))
    .flatMap(({ path, text }) => text.split('\n').flatMap((line, at) => (pattern.test(line) ? [`${path}:${at + 1}: ${line.trim()}`] : [])));
}

describe('files', () => {
  test('there are files to look at', () => {
    expect(sources.length).toBeGreaterThan(50);
  });

  test(`no file is longer than ${linesMax} lines, save those on the list`, () => {
    const long = sources.filter(({ text }) => text.split('\n').length - 1 > linesMax).map(({ path }) => path);
    expect(long.sort()).toEqual([...longFiles.keys()].sort());
  });

  test('a file opens with a comment that says what it is for; tests and a bare list of exports say it themselves', () => {
    const silent = sources
      .filter(({ path, text }) => !path.endsWith('.test.ts') && !/^(export [^;]*;\s*)*$/.test(text))
      .filter(({ text }) => !/^(\/\/|\/\*\*?) ?\n? ?\*? ?\S[^\n]{15,}/.test(text.replace(/^#![^\n]*\n/, '')));
    expect(silent.map(({ path }) => path)).toEqual([]);
  });

  test('names are in kebab-case', () => {
    const name = /^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z]+)?\.(ts|mjs)$/;
    const folder = /^[a-z0-9]+(-[a-z0-9]+)*$/;
    const odd = sources.filter(
      ({ path }) =>
        !name.test(basename(path)) ||
        !dirname(path)
          .split('/')
          .every((part) => folder.test(part)),
    );
    expect(odd.map(({ path }) => path)).toEqual([]);
  });

  test('no file or folder has a name that could hold anything', async () => {
    const vague = /^(utils?|helpers?|common|shared|misc|manager|.*-(utils?|helpers?|manager))$/;
    expect(
      (await repositoryFiles()).filter((path) => path.split('/').some((part) => vague.test(part.replace(/(\.test)?\.[a-z]+$/, '')))),
    ).toEqual([]);
  });
});

describe('text', () => {
  test('nothing is left for later', () => {
    expect(linesWith(/\b(TODO|FIXME|XXX|HACK)\b/)).toEqual([]);
  });

  test('the type checker is never silenced', () => {
    expect(linesWith(/\bas any\b|@ts-(ignore|nocheck|expect-error)/)).toEqual([]);
  });

  test('the linter is silenced for one line at a time, with a reason', () => {
    expect(linesWith(/(oxlint|eslint)-disable(?!-(next-)?line [a-z@/-]+(, [a-z@/-]+)* -- \S)/)).toEqual([]);
  });

  test('a core does not ask a new Date for the time', () => {
    const core = /^(packages|services)\/[^/]+\/src\/(.*\/)?core\//;
    expect(linesWith(/new Date\(\)/).filter((line) => core.test(line) && !line.includes('.test.ts:'))).toEqual([]);
  });

  test('no test is singled out or promised, and one that does not apply says why in its title', () => {
    const marked = linesWith(/\b(test|it|describe|suite|bench)(\.\w+)*\.(only|skip|todo|fails)\b/);
    expect(marked.filter((line) => !/\.skip\(['`].*\((not applicable|skipped): /.test(line))).toEqual([]);
  });
});

describe('every tracked text', () => {
  test('names neither a folder of a machine nor a package registry', async () => {
    const paths = (await repositoryFiles()).filter((path) => !path.startsWith('test/tidy/') && path !== 'LICENSE');
    const machine = /(^|[\s"'`(=:])\/(work|root|home\/\w+|Users\/\w+)\b|registry\.[a-z0-9.-]+\.[a-z]{2,}|\bverdaccio\b|\bartifactory\b/i;
    const found: string[] = [];
    for (const path of paths) {
      const lines = (await readRepositoryFile(path)).split('\n');
      lines.forEach((line, at) => machine.test(line) && found.push(`${path}:${at + 1}: ${line.trim().slice(0, 160)}`));
    }
    expect(found).toEqual([]);
  });
});
