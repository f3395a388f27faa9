/** What requests notice of texts that are hostile to tokenizers, which others send at the same time. */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { request } from 'undici';
import { type Child, startChild } from '../../support/child.ts';
import { NODE_OPTIONS } from '../../support/node-options.ts';
import { repositoryRoot } from '../../support/repository.ts';
import { TEST_KEY } from '../../support/running-ingress.ts';
import { HOSTILE_TEXTS } from './hostile-texts.ts';
import { closedLoop, type LoadTarget, openLoop } from './load.ts';
import { percentile, rounded } from './statistics.ts';

const START_TIMEOUT_MS = 60_000;
const WARM_REQUESTS = 10_000;
const REQUESTS = 1_000;
const PER_SECOND = 200;
const ROUNDS = 3;
/** Between two hostile texts. */
const PAUSE_MS = 50;
/** A letter, an ideograph, a blank: 100,000 times each. */
const HOSTILE_KINDS = 3;

export interface Latency {
  readonly p50_ms: number;
  readonly p99_ms: number;
}

/** Of an ingress that counts and of one that does not. */
export interface LatencyBeside {
  readonly alone: Latency;
  readonly beside: Latency;
  /** Texts that were answered meanwhile. */
  readonly hostile: number;
}

/** Alone, and while such texts come as fast as they are answered, in turns. From the intended send time; requests and answers of 1 KB. What large requests cost
 *  all the others by themselves is seen where nothing is counted. */
export async function latencyBesideCounting(body: Buffer): Promise<{ readonly counted: LatencyBeside; readonly uncounted: LatencyBeside }> {
  await using upstream = await started('canned-upstream.ts', []);
  await using counting = await started('journal-ingress.ts', ['disk', await urlOf(upstream), 'counting']);
  await using plain = await started('journal-ingress.ts', ['disk', await urlOf(upstream)]);
  const [counted, uncounted] = [await measured(counting), await measured(plain)];
  for (let round = 0; round < ROUNDS; round += 1) for (const each of [counted, uncounted]) await each.round();
  return { counted: counted.result(), uncounted: uncounted.result() };

  async function measured(ingress: Child) {
    const headers = { 'content-type': 'application/json', 'x-bench-answer': 'plain_1kb', authorization: `Bearer ${TEST_KEY}` };
    const target: LoadTarget = { url: await urlOf(ingress), headers };
    const [alone, beside]: [number[], number[]] = [[], []];
    await closedLoop(target, body, WARM_REQUESTS);
    let hostile = await sendHostile(target, 1);
    return {
      async round(): Promise<void> {
        alone.push(...(await openLoop(target, body, REQUESTS, PER_SECOND)));
        const over = new AbortController();
        const sending = sendHostile(target, Number.POSITIVE_INFINITY, over.signal);
        beside.push(...(await openLoop(target, body, REQUESTS, PER_SECOND)));
        over.abort();
        hostile += await sending;
      },
      result: (): LatencyBeside => ({ alone: latencyOf(alone), beside: latencyOf(beside), hostile }),
    };
  }
}

function latencyOf(latencies: readonly number[]): Latency {
  return { p50_ms: rounded(percentile(latencies, 0.5)), p99_ms: rounded(percentile(latencies, 0.99)) };
}

/** Returns how many were answered. */
async function sendHostile(target: LoadTarget, rounds: number, over?: AbortSignal): Promise<number> {
  let sent = 0;
  for (let round = 0; round < rounds; round += 1) {
    for (const [, content] of HOSTILE_TEXTS.slice(0, HOSTILE_KINDS)) {
      if (over?.aborted === true) return sent;
      const body = JSON.stringify({ model: 'gpt-4o-mini', messages: [{ role: 'user', content }] });
      const answer = await request(`${target.url}/v1/chat/completions`, { method: 'POST', headers: target.headers, body });
      await answer.body.dump();
      sent += 1;
      await sleep(PAUSE_MS);
    }
  }
  return sent;
}

async function started(script: string, args: readonly string[]): Promise<Child> {
  const child = startChild(process.execPath, [...NODE_OPTIONS, join(repositoryRoot, 'test', 'bench', 'support', script), ...args]);
  await child.waitForOutput(/"url"/, START_TIMEOUT_MS);
  return child;
}

async function urlOf(child: Child): Promise<string> {
  return (await child.waitForOutput(/"url":"([^"]+)"/, START_TIMEOUT_MS))[1] as string;
}
