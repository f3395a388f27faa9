/** What the simulator will answer: fixed by its seed, the request and the script alone. */
import type { Classes, ClassName } from './classes.ts';
import type { ChatRequest } from './request.ts';
import type { Script } from './script.ts';

export interface ToolCall {
  readonly name: string;
  readonly argumentsText: string;
}

export interface Plan {
  readonly classes: Classes;
  /** The content, in the pieces that a stream sends. Empty when a tool is called. */
  readonly pieces: readonly string[];
  readonly tool: ToolCall | undefined;
  readonly webSearch: boolean;
  readonly truncated: boolean;
  readonly servedModel: string;
  readonly serviceTier: string;
}

const WORDS = [
  'the',
  'ledger',
  'counts',
  'every',
  'token',
  'once',
  'and',
  'adds',
  'them',
  'up',
  'before',
  'noon',
  'while',
  'rain',
  'falls',
  'softly',
];
const CHARACTERS_PER_TOKEN = 4;
const PIECES_MAX = 100_000;

/** Names that providers answer with a date of their own. */
const SERVED_MODELS: Readonly<Record<string, string>> = {
  'gpt-4o': 'gpt-4o-2024-08-06',
  'gpt-4o-mini': 'gpt-4o-mini-2024-07-18',
  'gpt-4.1': 'gpt-4.1-2025-04-14',
  'gpt-4.1-mini': 'gpt-4.1-mini-2025-04-14',
  'gpt-4.1-nano': 'gpt-4.1-nano-2025-04-14',
  'gpt-5': 'gpt-5-2025-08-07',
  'gpt-5-mini': 'gpt-5-mini-2025-08-07',
  'gpt-5-nano': 'gpt-5-nano-2025-08-07',
  'o4-mini': 'o4-mini-2025-04-16',
  'claude-haiku-4-5': 'claude-haiku-4-5-20251001',
  'claude-sonnet-4-5': 'claude-sonnet-4-5-20250929',
  'claude-opus-4-5': 'claude-opus-4-5-20251101',
};

export function planAnswer(request: ChatRequest, script: Script, seed: number): Plan {
  const random = generator(seed ^ request.hash);
  const input = inputClasses(request, random);
  const tool = request.tool !== undefined && script.tools !== false ? toolCall(request.tool, random) : undefined;
  const wanted = tool === undefined ? pieceCount(script, random) : Math.ceil(tool.argumentsText.length / CHARACTERS_PER_TOKEN) + 8;
  const pieces = tool === undefined ? contentPieces(Math.min(wanted, request.maxTokens ?? wanted), script, random) : [];
  const classes: Record<ClassName, number> = {
    ...input,
    visible_output: tool === undefined ? tokensOf(pieces, script) : wanted,
    reasoning: request.reasons ? 64 * (1 + (random() % 8)) : 0,
    output_audio: request.audio ? 12 + (random() % 30) : 0,
    web_search_requests: request.webSearch ? 1 : 0,
    ...script.classes,
  };
  return {
    classes,
    pieces,
    tool,
    webSearch: classes.web_search_requests > 0,
    truncated: tool === undefined && pieces.length < wanted,
    servedModel: script.served_model ?? SERVED_MODELS[request.model] ?? request.model,
    serviceTier: script.service_tier ?? request.defaultTier,
  };
}

type InputClass = 'uncached_input' | 'cache_read' | 'cache_write_5m' | 'cache_write_1h' | 'input_audio';

/** About two answers in five read from the cache; where the provider bills writes, one in five writes for five minutes and one in ten for an hour. */
function inputClasses(request: ChatRequest, random: () => number): Pick<Classes, InputClass> {
  const total = 7 + Math.ceil(request.bytes / CHARACTERS_PER_TOKEN);
  const share = (ofTen: number): number => (random() % 10 < ofTen ? Math.floor((total * (1 + (random() % 4))) / 20) : 0);
  const cacheRead = share(4);
  const writes = request.cacheWrites ? { fiveMinutes: share(2), oneHour: share(1) } : { fiveMinutes: 0, oneHour: 0 };
  const audio = request.audio ? 5 + (random() % 20) : 0;
  return {
    // A cache of a provider whose writes are beside the input holds what the body does not count twice.
    uncached_input: Math.max(total - cacheRead - writes.fiveMinutes - writes.oneHour, 1),
    cache_read: cacheRead,
    cache_write_5m: writes.fiveMinutes,
    cache_write_1h: writes.oneHour,
    input_audio: audio,
  };
}

function pieceCount(script: Script, random: () => number): number {
  if (script.answer_bytes !== undefined) return Math.max(1, Math.ceil(script.answer_bytes / (script.chunk_bytes ?? CHARACTERS_PER_TOKEN)));
  return script.chunks ?? 8 + (random() % 24);
}

function contentPieces(count: number, script: Script, random: () => number): readonly string[] {
  const pieces: string[] = [];
  const bytes = script.chunk_bytes ?? (script.answer_bytes === undefined ? undefined : CHARACTERS_PER_TOKEN);
  for (let index = 0; index < Math.min(count, PIECES_MAX); index++) {
    const word = `${index === 0 ? '' : ' '}${WORDS[random() % WORDS.length]}`;
    pieces.push(bytes === undefined ? word : word.padEnd(bytes, '.').slice(0, bytes));
  }
  return pieces;
}

function tokensOf(pieces: readonly string[], script: Script): number {
  return script.chunk_bytes === undefined
    ? pieces.length
    : pieces.length * Math.max(1, Math.ceil(script.chunk_bytes / CHARACTERS_PER_TOKEN));
}

/** Arguments that fit the tool's schema as far as its required members and their types go. */
function toolCall(tool: NonNullable<ChatRequest['tool']>, random: () => number): ToolCall {
  const values: Record<string, unknown> = {};
  for (const [name, type] of tool.required) {
    values[name] =
      type === 'number' || type === 'integer'
        ? random() % 100
        : type === 'boolean'
          ? true
          : type === 'array'
            ? []
            : type === 'object'
              ? {}
              : WORDS[random() % WORDS.length];
  }
  return { name: tool.name, argumentsText: JSON.stringify(values) };
}

/** Mulberry32. */
function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return (mixed ^ (mixed >>> 14)) >>> 0;
  };
}
