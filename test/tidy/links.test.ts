// Follows the relative links of every Markdown page, to the file and to the heading.
import { existsSync } from 'node:fs';
import { posix } from 'node:path';
import { expect, test } from 'vitest';
import { readRepositoryFile, repositoryFiles } from './repository-files.ts';
import { repositoryRoot } from '../support/repository.ts';

/** The anchor of a heading as forges make it: small letters, spaces as hyphens, other punctuation dropped. */
function anchorOf(heading: string): string {
  const text = heading.replaceAll('`', '').trim().toLowerCase();
  return text.replace(/[^\p{L}\p{N} _-]/gu, '').replaceAll(' ', '-');
}

async function anchorsOf(path: string): Promise<ReadonlySet<string>> {
  const text = await readRepositoryFile(path);
  return new Set([...text.matchAll(/^#{1,6} (.+)$/gm)].map((match) => anchorOf(match[1] ?? '')));
}

/** What is wrong with a link on a page, or undefined. */
async function brokenBecause(page: string, link: string): Promise<string | undefined> {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? page : posix.join(posix.dirname(page), decodeURIComponent(path));
  if (target.startsWith('..')) return 'leaves the repository';
  if (!existsSync(`${repositoryRoot}/${target}`)) return 'no such file';
  if (anchor === undefined || !target.endsWith('.md')) return undefined;
  return (await anchorsOf(target)).has(anchor) ? undefined : 'no such heading';
}

test('every relative link in a Markdown page leads somewhere', async () => {
  const pages = (await repositoryFiles()).filter((path) => path.endsWith('.md'));
  const broken: string[] = [];
  for (const page of pages) {
    const prose = (await readRepositoryFile(page)).replace(/^```[\s\S]*?^```/gm, '').replace(/`[^`\n]*`/g, '');
    for (const [, link = ''] of prose.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      const reason = await brokenBecause(page, link);
      if (reason !== undefined) broken.push(`${page}: ${link}: ${reason}`);
    }
  }
  expect(pages).toContain('README.md');
  expect(broken).toEqual([]);
});
