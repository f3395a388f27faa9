import { setImmediate as turn } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { createLifecycle, selectRoles, type Part } from './lifecycle.ts';

/** A part that writes what happens to it into `log`. */
function recorded(name: string, log: string[], behaviour: Partial<Part> = {}): Part {
  return {
    name,
    async start() {
      log.push(`start ${name}`);
      await behaviour.start?.();
    },
    async stop(deadlineMs) {
      log.push(`stop ${name}`);
      return (await behaviour.stop?.(deadlineMs)) ?? { left: '' };
    },
  };
}

test('parts start in order and stop in reverse', async () => {
  const log: string[] = [];
  const lifecycle = createLifecycle({ parts: ['a', 'b', 'c'].map((name) => recorded(name, log)), stopTimeoutMs: 1000 });
  await lifecycle.start();
  expect(await lifecycle.stop()).toEqual({ left: [] });
  expect(log).toEqual(['start a', 'start b', 'start c', 'stop c', 'stop b', 'stop a']);
});

test('a failed start stops what had started, the failed part too, and throws its reason', async () => {
  const log: string[] = [];
  const failing = recorded('b', log, { start: () => Promise.reject(new Error('no')) });
  const lifecycle = createLifecycle({ parts: [recorded('a', log), failing, recorded('c', log)], stopTimeoutMs: 1000 });
  await expect(lifecycle.start()).rejects.toThrow('no');
  expect(log).toEqual(['start a', 'start b', 'stop b', 'stop a']);
});

test('a stop while starting waits for the part in hand, starts no other and stops in reverse', async () => {
  const log: string[] = [];
  let release = (): void => undefined;
  const slow = recorded('b', log, { start: () => new Promise<void>((resolve) => (release = resolve)) });
  const lifecycle = createLifecycle({ parts: [recorded('a', log), slow, recorded('c', log)], stopTimeoutMs: 1000 });
  const refused = lifecycle.start().catch((error: unknown) => error);
  while (!log.includes('start b')) await turn();
  const stopped = lifecycle.stop();
  release();
  expect(await refused).toMatchObject({ code: 'START_INTERRUPTED' });
  expect(await stopped).toEqual({ left: [] });
  expect(log).toEqual(['start a', 'start b', 'stop b', 'stop a']);
});

describe('a stop has a bound', () => {
  test('a part that never ends is left, and the parts below it still stop', async () => {
    const log: string[] = [];
    const stuck = recorded('b', log, { stop: () => new Promise(() => undefined) });
    const lifecycle = createLifecycle({ parts: [recorded('a', log), stuck], stopTimeoutMs: 300 });
    await lifecycle.start();
    const beganMs = performance.now();
    const { left } = await lifecycle.stop();
    expect(performance.now() - beganMs).toBeLessThan(2000);
    expect(left).toEqual([{ part: 'b', left: expect.stringMatching(/^did not stop within \d+ ms$/) }]);
    expect(log.at(-1)).toBe('stop a');
  });

  test('each part is told how long it has, with time kept for those below it', async () => {
    const deadlines: number[] = [];
    const noting = (name: string): Part => ({
      name,
      start: () => Promise.resolve(),
      stop: (deadlineMs) => {
        deadlines.push(deadlineMs);
        return Promise.resolve({ left: '' });
      },
    });
    const lifecycle = createLifecycle({ parts: [noting('a'), noting('b'), noting('c')], stopTimeoutMs: 1000 });
    await lifecycle.start();
    await lifecycle.stop();
    const [first = 0, , last = 0] = deadlines;
    expect(first).toBeGreaterThan(400);
    expect(first).toBeLessThanOrEqual(600);
    expect(last).toBeGreaterThan(700);
  });
});

test('a part that throws while stopping is reported and does not keep the others from stopping', async () => {
  const log: string[] = [];
  const failing = recorded('b', log, { stop: () => Promise.reject(new Error('stuck file')) });
  const lifecycle = createLifecycle({ parts: [recorded('a', log), failing], stopTimeoutMs: 1000 });
  await lifecycle.start();
  expect(await lifecycle.stop()).toEqual({ left: [{ part: 'b', left: 'failed to stop: stuck file' }] });
  expect(log.at(-1)).toBe('stop a');
});

test('stop called twice stops once', async () => {
  const log: string[] = [];
  const lifecycle = createLifecycle({ parts: [recorded('a', log)], stopTimeoutMs: 1000 });
  await lifecycle.start();
  const [first, second] = [lifecycle.stop(), lifecycle.stop()];
  expect(await first).toBe(await second);
  expect(log).toEqual(['start a', 'stop a']);
});

describe('role selection', () => {
  const available = ['writer', 'pricer', 'ingress'] as const;

  test('keeps the order in which roles start', () => {
    expect(selectRoles(available, ['ingress', 'writer'])).toEqual(['writer', 'ingress']);
  });

  test('refuses a name that is no role, and none at all', () => {
    expect(() => selectRoles(available, ['ingres'])).toThrow("--roles: 'ingres' is not a role; choose from writer, pricer, ingress");
    expect(() => selectRoles(available, [])).toThrow('--roles: no role was named; choose from writer, pricer, ingress');
  });
});
