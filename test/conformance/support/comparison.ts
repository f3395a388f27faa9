/** Holds what was recorded of an exchange against what its recording expects. Pure. */
import { INPUT_CLASSES, OUTPUT_CLASSES, TOKEN_CLASSES, UNIT_CLASSES, type Usage, type UsageClass } from '@tokenledger/domain';
import type { ExpectedUsage, Recording } from './recording.ts';

/** What a row, or a reader, says of one exchange. Absent text is `''`. */
export interface SeenExchange {
  readonly requestedModel: string;
  readonly servedModel: string;
  readonly serviceTier: string;
  readonly usageReason: string;
  /** All null where usage is unknown. */
  readonly usage: Usage;
}

/** Parts of the totals, and units beside them, by the expectation that names them. */
const PARTS: readonly (readonly [keyof ExpectedUsage, ...UsageClass[]])[] = [
  ['cached_input_tokens', 'cache_read', 'cached_audio'],
  ['cache_write_tokens', 'cache_write_5m', 'cache_write_1h'],
  ['cache_write_5m_tokens', 'cache_write_5m'],
  ['cache_write_1h_tokens', 'cache_write_1h'],
  ['reasoning_tokens', 'reasoning'],
  ['audio_in', 'input_audio', 'cached_audio'],
  ['audio_out', 'output_audio'],
  ['image_in', 'input_image'],
  ['image_out', 'output_image'],
  ['web_search_requests', 'web_search_requests'],
];

/** Each difference as a sentence; none: the exchange conforms. */
export function differences(recording: Recording, seen: SeenExchange): readonly string[] {
  const { expected, status } = recording;
  return [...modelDifferences(recording, seen), ...(expected.usage_present ? known(expected, seen) : unknown(seen, status))];
}

function modelDifferences({ expected, responseBody }: Recording, seen: SeenExchange): readonly string[] {
  const found: string[] = [];
  const { model, model_requested: requested, service_tier: tier } = expected;
  if (requested !== null && seen.requestedModel !== requested)
    found.push(`the requested model is ${show(seen.requestedModel)}, not ${show(requested)}`);
  // Where an answer names no model, the one that was asked for may stand in.
  const named = model === null ? seen.servedModel === '' || seen.servedModel === (requested ?? '') : seen.servedModel === model;
  if (!named) found.push(`the served model is ${show(seen.servedModel)}, not ${show(model ?? '')}`);
  // Where none is expected, the answer may still name one that nobody looked for.
  const tierHolds =
    typeof tier === 'string' ? seen.serviceTier === tier : seen.serviceTier === '' || responseBody.includes(show(seen.serviceTier));
  if (!tierHolds) found.push(`the service tier is ${show(seen.serviceTier)}, not ${show(tier ?? '')}`);
  return found;
}

/** Classes never overlap: their sums are the totals, and each is the part that the expectation names. */
function known(expected: ExpectedUsage, seen: SeenExchange): readonly string[] {
  if (seen.usageReason !== '') return [`usage is null (${seen.usageReason}), but the provider stated it`];
  const stated = statedNumbers(expected.usage_raw);
  const found = [
    total('input tokens', sumOf(seen.usage, INPUT_CLASSES), expected.input_tokens),
    total('output tokens', sumOf(seen.usage, OUTPUT_CLASSES), expected.output_tokens),
    ...PARTS.map(([name, ...classes]) => part(name, sumOf(seen.usage, classes), expected[name] as number | null | undefined, stated)),
  ];
  return found.filter((each) => each !== undefined);
}

/** A total that was not told is unknown. */
function total(name: string, seen: number | null, expected: number | null | undefined): string | undefined {
  return seen === (expected ?? null) ? undefined : `${name} are ${seen}, not ${expected ?? null}`;
}

/** A part that was not told is unknown, or none; or the provider states it all the same, by a name that the expectation did not look for. */
function part(name: string, seen: number | null, expected: number | null | undefined, stated: ReadonlySet<number>): string | undefined {
  const isTold = expected !== null && expected !== undefined;
  const agrees = isTold ? seen === expected : seen === null || seen === 0 || stated.has(seen);
  return agrees ? undefined : `${name} is ${seen}, not ${expected ?? null}`;
}

/** All numbers of a usage object, and what its total holds beyond the parts that it names: some providers state thoughts there alone. */
function statedNumbers(raw: unknown): ReadonlySet<number> {
  const numbers = new Set<number>();
  const visit = (value: unknown): void => {
    if (typeof value === 'number') numbers.add(value);
    else if (typeof value === 'object' && value !== null) Object.values(value).forEach(visit);
  };
  visit(raw);
  const { prompt_tokens: prompt, completion_tokens: completion, total_tokens: all } = (raw ?? {}) as Readonly<Record<string, unknown>>;
  if (typeof prompt === 'number' && typeof all === 'number') numbers.add(all - prompt - (typeof completion === 'number' ? completion : 0));
  return numbers;
}

/** Tokens that nobody reported are null, and a reason says why; units may be known all the same. */
function unknown(seen: SeenExchange, status: number): readonly string[] {
  const stated = TOKEN_CLASSES.filter((name) => seen.usage[name] !== null);
  if (stated.length > 0) return [`${stated.join(', ')} should be null: the provider stated no tokens`];
  if (seen.usageReason === '' && sumOf(seen.usage, UNIT_CLASSES) === null) return ['usage is null without a reason'];
  if (status >= 400 && seen.usageReason !== 'upstream_error') return [`the reason is ${show(seen.usageReason)}, not "upstream_error"`];
  return [];
}

/** Null when none of them is known. */
function sumOf(usage: Usage, classes: readonly UsageClass[]): number | null {
  const quantities = classes.map((name) => usage[name]).filter((quantity) => quantity !== null);
  return quantities.length === 0 ? null : quantities.reduce((sum, quantity) => sum + quantity, 0);
}

function show(text: string): string {
  return JSON.stringify(text);
}
