import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

const MODULE = new URL('defect.ts', import.meta.url).href;

/** How a process ends that does this and would live on for long. */
function endOf(code: string): { readonly status: number | null; readonly stderr: string } {
  const script = `import { endingOnDefect } from '${MODULE}'; ${code}`;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', timeout: 10_000 });
  return { status, stderr };
}

test('what somebody else would catch ends the process', () => {
  const { status, stderr } = endOf(`
    setInterval(() => undefined, 1000);
    try { endingOnDefect(() => { throw new Error('broken invariant'); }); } catch { process.exit(0); }`);
  expect({ status, named: stderr.includes('broken invariant') }).toEqual({ status: 1, named: true });
});

test('work without a defect is done at once, and nothing ends', () => {
  expect(endOf('let done = 0; endingOnDefect(() => { done += 1; }); process.exitCode = done === 1 ? 0 : 2;').status).toBe(0);
});
