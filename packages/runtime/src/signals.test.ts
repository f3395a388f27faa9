import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SAME_PRESS_MS } from './signals.ts';

const program = `
  import { onStopSignals } from ${JSON.stringify(join(import.meta.dirname, 'signals.ts'))};
  onStopSignals({ graceful: (signal) => console.log('graceful ' + signal), now: (signal) => { console.log('now ' + signal); process.exit(7); } });
  setInterval(() => undefined, 1000);
  console.log('up');
`;

test('the first signal is graceful, the same key press again is the same one, a later one ends the process', async () => {
  const child = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  const said = async (text: string): Promise<void> => {
    while (!output.includes(text)) await once(child.stdout, 'data');
  };
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await said('up');
  child.kill('SIGINT');
  await said('graceful SIGINT');
  child.kill('SIGTERM');
  const exit = once(child, 'exit');
  const again = setInterval(() => child.kill('SIGINT'), SAME_PRESS_MS / 4);
  const [code] = (await exit) as [number];
  clearInterval(again);
  expect(code).toBe(7);
  expect(output.match(/graceful/g)).toHaveLength(1);
  expect(output).not.toContain('now SIGTERM');
});
