// Starts the product as a newcomer does, with `npm start`, and stops it as one does, with Ctrl-C: twice, on the same data.
import { describe, expect, test } from 'vitest';
import { startChild, type Child } from '../support/child.ts';
import { freePort } from '../support/free-port.ts';
import { repositoryRoot } from '../support/repository.ts';
import { makeTempDir } from '../support/temp-dir.ts';
import { waitFor } from '../support/wait-for.ts';

const readyWithinMs = 60_000;
const stoppedWithinMs = 20_000;

interface Ports {
  readonly ingress: number;
  readonly clickhouse: number;
  readonly admin: number;
}

async function freePorts(): Promise<Ports> {
  const [ingress, clickhouse, admin] = await Promise.all([freePort(), freePort(), freePort()]);
  return { ingress, clickhouse, admin };
}

function npmStart(dataDir: string, ports: Ports): Child {
  return startChild('npm', ['start', '--', '--data', dataDir, '--ingress-port', String(ports.ingress)], {
    cwd: repositoryRoot,
    env: {
      TOKENLEDGER_CLICKHOUSE_PORT: String(ports.clickhouse),
      TOKENLEDGER_ADMIN_PORT: String(ports.admin),
      TOKENLEDGER_REGISTRY_PORT: '0',
      // The real providers are never asked, whatever the environment of the person who runs the tests holds.
      OPENAI_API_KEY: undefined,
      ANTHROPIC_API_KEY: undefined,
    },
  });
}

/** The body of /readyz, once it answers 200. A process that ended instead fails the wait at once. */
async function whenReady(child: Child, ports: Ports): Promise<unknown> {
  let ended = false;
  void child.exited.then(() => (ended = true));
  return waitFor(
    async () => {
      if (ended) throw new Error(`npm start ended before it was ready:\n${child.stdout()}${child.stderr()}`);
      const answer = await fetch(`http://127.0.0.1:${ports.admin}/readyz`).catch(() => undefined);
      return answer?.status === 200 ? await answer.json() : false;
    },
    { timeoutMs: readyWithinMs, intervalMs: 200, describe: () => `/readyz; npm start printed:\n${child.stdout()}${child.stderr()}` },
  );
}

async function countEvents(ports: Ports): Promise<number> {
  const query = encodeURIComponent('SELECT count() FROM tokenledger.usage_events');
  const answer = await fetch(`http://127.0.0.1:${ports.clickhouse}/?query=${query}`);
  return Number(await answer.text());
}

/** Npm's process ends last, but whoever it started may still be on its way out. */
async function leavesNothing(child: Child): Promise<void> {
  await waitFor(() => !child.groupExists(), { timeoutMs: 5_000, describe: 'the end of every process that npm start began' });
}

describe('npm start', () => {
  test('becomes ready, prints how to go on, stops cleanly at Ctrl-C and finds its data again', async () => {
    await using data = await makeTempDir('npm-start');
    const ports = await freePorts();

    await using first = npmStart(data.path, ports);
    expect(await whenReady(first, ports)).toBeTypeOf('object');
    await first.waitForOutput(new RegExp(`curl .*127\\.0\\.0\\.1:${ports.ingress}/v1/chat/completions`), 5_000);
    await first.waitForOutput(/SELECT .* FROM usage_events/, 5_000);
    const before = await waitFor(() => countEvents(ports), { timeoutMs: 20_000, describe: 'the first row of the demo traffic' });
    expect(await first.pressCtrlC(stoppedWithinMs)).toEqual({ code: 0, signal: null });
    await leavesNothing(first);

    await using second = npmStart(data.path, ports);
    await whenReady(second, ports);
    expect(await countEvents(ports)).toBeGreaterThanOrEqual(before);
    expect(await second.stop('SIGTERM', stoppedWithinMs)).toEqual({ code: 0, signal: null });
    await leavesNothing(second);
  });
});
