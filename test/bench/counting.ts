/** How well tokens are counted locally, and how fast: recorded exchanges of real providers are counted and held against what the provider stated; then texts that
 *  are hostile to tokenizers, with the delay that this does to the main thread, and to other requests of an ingress.
 *
 *  `--recordings DIR` (default: TOKENLEDGER_RECORDINGS_DIR, or beside the repository); without recordings only the texts. `--json` prints the last line alone. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Counted } from '@tokenledger/domain';
import { countPart, type CountablePart, familyOf, openTokenCounter, type PartCount, type TokenCounter } from '@tokenledger/tokenizers';
import { readRecordingFolder } from '../conformance/support/recording.ts';
import { findRecordings } from '../support/recordings.ts';
import { countedRecording, type CountedRecording } from './support/counted-recordings.ts';
import { HOSTILE_TEXTS } from './support/hostile-texts.ts';
import { latencyBesideCounting } from './support/latency-beside-counting.ts';
import { median, percentile, rounded } from './support/statistics.ts';

/** Shares of exact counts that are promised for plain chats, and milliseconds for a hostile text. */
const GOALS = { gpt4: 0.99, gpt5: 0.95, hostileMs: 250 } as const;
/** One model for each vocabulary, for the texts. */
const MODELS = ['gpt-4o', 'gpt-4', 'llama3', 'mistral-small', 'deepseek-chat', 'qwen3', 'command-r', 'gemini-2.5-flash'];
const TEXT_ROUNDS = 5;
/** Each part is counted so often before its time counts, and then for it. */
const WARM_UP_PASSES = 2;
const PASSES = 5;
/** As long as the delay without work is watched. */
const IDLE_MS = 500;
const NS_PER_MS = 1e6;
/** Of 1 KB. */
const ORDINARY_REQUEST = JSON.stringify({
  model: 'gpt-4o-mini',
  messages: [{ role: 'user', content: 'Summarise the notes of the meeting. '.repeat(26) }],
});

interface Comparison {
  readonly group: string;
  readonly counted: number;
  readonly stated: number;
  readonly us: number;
}

const { values: options } = parseArgs({ options: { json: { type: 'boolean', default: false }, recordings: { type: 'string' } } });
const folder = options.recordings ?? findRecordings();
const recordings =
  folder === undefined
    ? []
    : readRecordingFolder(folder)
        .map(countedRecording)
        .filter((each) => each !== undefined);
const reasons = new Map<string, number>();
const comparisons: Comparison[] = [];
for (const each of recordings) comparisons.push(...(await compared(each)));

const groups = [...Map.groupBy(comparisons, ({ group }) => group)]
  .map(([group, its]) => ({ group, ...summary(its) }))
  .sort((a, b) => (a.group < b.group ? -1 : 1));
const plainChat = (families: readonly string[]) => {
  const its = comparisons.filter(({ group }) => families.some((family) => group === `openai.chat input plain ${family}`));
  return { of: its.length, exact: its.filter(isExact).length, share: rounded(its.filter(isExact).length / its.length) };
};
const goals = { gpt4: plainChat(['gpt-4', 'gpt-4o']), gpt5: plainChat(['gpt-5', 'o-series']) };
const texts = await hostileTexts();
const ingress = await latencyBesideCounting(Buffer.from(ORDINARY_REQUEST));

if (!options.json) process.stdout.write(`${table().join('\n')}\n`);
process.stdout.write(
  `${JSON.stringify({ bench: 'counting', recordings: recordings.length, plain_openai_chat: goals, groups, not_counted: Object.fromEntries(reasons), ...texts, ingress })}\n`,
);

/** Both sides of an exchange, as far as they can be counted and the provider stated them. */
async function compared(exchange: CountedRecording): Promise<readonly Comparison[]> {
  const { recording, surface, servedModel, requestedModel, kind } = exchange;
  const model = familyOf(servedModel) === undefined ? requestedModel : servedModel;
  const about = { surface, provider: recording.provider, model };
  const input: CountablePart = { kind: 'input', ...about, body: Buffer.from(recording.requestBody) };
  const output: CountablePart = { kind: 'output', ...about, body: recording.responseBytes, contentType: recording.contentType };
  const found: Comparison[] = [];
  for (const [part, stated] of [[input, exchange.inputTokens] as const, [output, exchange.outputTokens] as const]) {
    if (stated === null || (part.kind === 'output' && stated === 0)) continue;
    const { count, us } = await timed(part);
    const group = `${surface} ${part.kind} ${kind} ${familyOf(model)?.name ?? 'unknown'}`;
    if (count.kind === 'counted') found.push({ group, counted: count.tokens, stated, us });
    else reasons.set(`${part.kind} ${count.reason}`, (reasons.get(`${part.kind} ${count.reason}`) ?? 0) + 1);
  }
  return found;
}

/** Microseconds of one count in this thread, once it is warm. */
async function timed(part: CountablePart): Promise<{ readonly count: PartCount; readonly us: number }> {
  let count = await countPart(part, () => false);
  for (let pass = 1; pass < WARM_UP_PASSES; pass += 1) count = await countPart(part, () => false);
  const started = performance.now();
  for (let pass = 0; pass < PASSES; pass += 1) await countPart(part, () => false);
  return { count, us: ((performance.now() - started) * 1_000) / PASSES };
}

function isExact({ counted, stated }: Comparison): boolean {
  return counted === stated;
}

/** Errors are shares of what the provider stated. */
function summary(its: readonly Comparison[]) {
  const errors = its.map(({ counted, stated }) => Math.abs(counted - stated) / Math.max(1, stated));
  const tokens = its.reduce((sum, { counted }) => sum + counted, 0);
  return {
    of: its.length,
    exact_share: rounded(its.filter(isExact).length / its.length),
    error_median: rounded(median(errors)),
    error_p95: rounded(percentile(errors, 0.95)),
    error_worst: rounded(Math.max(...errors)),
    us_per_1000_tokens: rounded((its.reduce((sum, { us }) => sum + us, 0) / Math.max(1, tokens)) * 1_000, 0),
  };
}

/** Through the threads, as the ingress does it; the worst of some rounds, since one is promised. */
async function hostileTexts() {
  const counter = openTokenCounter({ deadlineMs: 10_000 });
  try {
    const idle = await mainThreadDelay(() => sleep(IDLE_MS));
    const hostile: {
      readonly model: string;
      readonly text: string;
      readonly ms: number;
      readonly tokens: number | null;
      readonly method: string;
    }[] = [];
    for (const model of MODELS) await timeOfText(counter, model, 'a first text loads the vocabulary');
    const busy = await mainThreadDelay(async () => {
      for (const model of MODELS) {
        for (const [name, text] of HOSTILE_TEXTS) {
          const rounds: { readonly ms: number; readonly tokens: number | null; readonly method: string }[] = [];
          for (let round = 0; round < TEXT_ROUNDS; round += 1) rounds.push(await timeOfText(counter, model, text));
          const { tokens, method } = rounds[0] as (typeof rounds)[number];
          hostile.push({ model, text: name, ms: rounded(Math.max(...rounds.map(({ ms }) => ms)), 1), tokens, method });
        }
      }
    });
    return {
      hostile,
      main_thread_delay_p99_ms: { idle, while_counting: busy },
      thread_cpu_ms: rounded(counter.stats.threadCpuUs / 1_000, 0),
    };
  } finally {
    await counter.close();
  }
}

async function timeOfText(counter: TokenCounter, requestedModel: string, content: string) {
  const body = Buffer.from(JSON.stringify({ messages: [{ role: 'user', content }] }));
  const started = performance.now();
  const count = counter.begin({ surface: 'openai.chat', provider: 'openai', requestedModel, body });
  const { inputTokens, method } = await new Promise<Counted>((resolve) => count.end(null, resolve));
  return { ms: performance.now() - started, tokens: inputTokens, method };
}

/** How late timers are, in milliseconds. */
async function mainThreadDelay(work: () => Promise<unknown>): Promise<number> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  await work();
  delay.disable();
  return rounded(delay.percentile(99) / NS_PER_MS, 2);
}

function table(): readonly string[] {
  const percent = (share: number): string => `${rounded(share * 100, 1)} %`;
  const cells = (first: string, rest: readonly (string | number)[]): string =>
    first.padEnd(48) + rest.map((cell) => String(cell).padStart(11)).join('');
  const goal = (
    name: string,
    { of, exact, share }: { readonly of: number; readonly exact: number; readonly share: number },
    wanted: number,
  ): string =>
    `${name}: ${exact} of ${of} exact (${of === 0 ? 'no recordings' : `${percent(share)}, goal ${percent(wanted)}${share < wanted ? ': MISSED' : ''}`})`;
  return [
    `${recordings.length} recorded exchanges with stated usage`,
    goal('plain OpenAI chats, gpt-3.5 to gpt-4.1', goals.gpt4, GOALS.gpt4),
    goal('plain OpenAI chats, gpt-5 and o-series', goals.gpt5, GOALS.gpt5),
    '',
    cells('', ['of', 'exact', 'median', 'p95', 'worst', 'µs/1,000']),
    ...groups.map((each) =>
      cells(each.group, [
        each.of,
        percent(each.exact_share),
        percent(each.error_median),
        percent(each.error_p95),
        percent(each.error_worst),
        each.us_per_1000_tokens,
      ]),
    ),
    '',
    ...[...reasons].map(([reason, times]) => `not counted: ${reason}, ${times} times`),
    '',
    cells('100,000 times', ['tokens', 'worst ms']),
    ...texts.hostile.map(({ model, text, ms, tokens }) =>
      cells(`${text}, ${model}`, [tokens ?? '', `${ms}${ms > GOALS.hostileMs ? ' (!)' : ''}`]),
    ),
    '',
    `the main thread was late by ${texts.main_thread_delay_p99_ms.idle} ms (p99) when idle, by ${texts.main_thread_delay_p99_ms.while_counting} ms while these were counted`,
    ...Object.entries(ingress).map(
      ([name, { alone, beside }]) =>
        `requests of 1 KB to an ingress, ${name}: p50 ${alone.p50_ms} ms, p99 ${alone.p99_ms} ms alone; p50 ${beside.p50_ms} ms, p99 ${beside.p99_ms} ms beside such texts`,
    ),
    '',
  ];
}
