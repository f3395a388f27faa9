/** Bytes that nobody sends by accident, for property tests: what APIs say, spoilt in its values, members, framing and bytes. */
import fc from 'fast-check';
import { streamMessage } from './event-stream.ts';
import { REAL_EVENTS } from './real-events.ts';

/** What readers look for, and what JavaScript's own objects have. */
const NAMES = [
  'usage',
  'usageMetadata',
  'x_groq',
  'meta',
  'message',
  'delta',
  'response',
  'error',
  'type',
  'model',
  'status',
  'object',
  'output',
  'prompt_tokens',
  'completion_tokens',
  'input_tokens',
  'output_tokens',
  'total_tokens',
  'cached_tokens',
  'totalTokenCount',
  'tokens',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'length',
  '',
];

/** Names of events, and what looks like the end of an answer. */
const TEXTS = [
  'message_start',
  'message_stop',
  'response.completed',
  'error',
  'ping',
  'transcript.text.done',
  'message-end',
  'completed',
  'batch',

  'priority',
  'AUDIO',
  '[DONE]',
  '"usage":{"prompt_tokens":7}',
  '\n\ndata: [DONE]\n\n',
  '__proto__',
  '',
  '\u0000',
  '\u2028',
  '😀',
  '}',
  '"',
];

/** As JSON text: what no printer would print is among them, and what no parser takes. */
const SCALARS = [
  '0',
  '1',
  '-1',
  '0.5',
  '1e3',
  '-0',
  '9007199254740991',
  '9007199254740992',
  '1e400',
  '-1e400',
  '123456789012345678901234567890',
  'null',
  'true',
  'false',
  '"12"',
  '""',
  '"\\ud800"',
  '"\\udc00\\ud800"',
  '"\\u0000"',
  '[]',
  '{}',
  '[[[]]]',
  '[null]',
  '{"":{}}',
];
const NO_JSON = ['NaN', 'undefined', '"', '{', ']', '01', "'a'", ''];

const hostileScalar = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(...SCALARS) },
  { weight: 3, arbitrary: fc.constantFrom(...TEXTS).map((text) => JSON.stringify(text)) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }).map((text) => JSON.stringify(text)) },
  { weight: 1, arbitrary: fc.constantFrom(...NO_JSON) },
);

interface Spoiling {
  readonly seed: number;
  /** Every so many values, or members, is spoilt; 0: none. */
  readonly every: number;
  readonly scalars: readonly string[];
  readonly names: readonly string[];
}

const spoiling: fc.Arbitrary<Spoiling> = fc.record({
  seed: fc.nat({ max: 1000 }),
  every: fc.constantFrom(0, 0, 4, 9, 17, 30),
  scalars: fc.array(hostileScalar, { minLength: 1, maxLength: 4 }),
  names: fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 4 }),
});

/** JSON text of `value`, spoilt: a value is another one; a member is missing, or there twice, or has another name. */
function spoiltJson(value: unknown, { seed, every, scalars, names }: Spoiling): string {
  let visited = seed;
  const isHit = (): boolean => every > 0 && ++visited % every === 0;
  const oneOf = (texts: readonly string[]): string => texts[visited % texts.length] as string;
  const member = (name: string, of: unknown): readonly string[] => {
    const text = `${JSON.stringify(name)}:${print(of)}`;
    if (!isHit()) return [text];
    const other = `${JSON.stringify(oneOf([...names, name]))}:${print(of)}`;
    return [[], [text, text], [other], [text, other]][visited % 4] as readonly string[];
  };
  const print = (printed: unknown): string => {
    if (isHit()) return oneOf(scalars);
    if (Array.isArray(printed)) return `[${printed.map(print).join(',')}]`;
    if (typeof printed !== 'object' || printed === null) return JSON.stringify(printed);
    return `{${Object.entries(printed)
      .flatMap(([name, of]) => member(name, of))
      .join(',')}}`;
  };
  return print(value);
}

/** JSON texts of the events of one API, in order, or of any, as they come. */
const texts: fc.Arbitrary<readonly string[]> = fc
  .tuple(fc.oneof(fc.constantFrom(...REAL_EVENTS), fc.array(fc.constantFrom(...REAL_EVENTS.flat()), { maxLength: 5 })), spoiling)
  .map(([events, how]) => events.map((event, index) => spoiltJson(event, { ...how, seed: how.seed + index * 7 })));

const feed = fc.constantFrom('\n\n', '\n\n', '\n\n', '\r\n\r\n', '\n', '\r\r', '');
const noise = fc.constantFrom(
  '',
  '',
  '',
  ': comment\n\n',
  'event: message_stop\n',
  'event: error\r\n',
  'data\n',
  'id: 1\n',
  '\u0000',
  '\n',
  '\ufeff',
);
const done = fc.constantFrom('data: [DONE]\n\n', 'data:[DONE]', '', 'data: [DONE]\n\ndata: {"usage":{"prompt_tokens":1}}\n\n');
const sse = fc
  .tuple(
    texts,
    fc.array(noise, { minLength: 1, maxLength: 4 }),
    fc.array(feed, { minLength: 1, maxLength: 4 }),
    fc.constantFrom('data: ', 'data:'),
    done,
  )
  .map(([all, noises, feeds, data, end]) => {
    const events = all.map((text, index) => noises[index % noises.length] + data + text + feeds[index % feeds.length]);
    return `${events.join('')}${end}`;
  });
const lines = fc.tuple(texts, fc.constantFrom('\n', '\r\n', '\n\n', '')).map(([all, end]) => all.map((text) => text + end).join(''));
const elements = fc
  .tuple(texts, fc.constantFrom(',', ',\r\n', ' , ', ''), fc.constantFrom(']', '\n]\n', '', ']]', '] {}'))
  .map(([all, between, end]) => `[${all.join(between)}${end}`);
const body = fc.tuple(texts, fc.constantFrom('', ' ', '\r\n', '\ufeff')).map(([all, space]) => space + (all.at(-1) ?? '') + space);
const messages = fc
  .tuple(
    texts,
    fc.array(fc.constantFrom('chunk', 'metadata', 'messageStart', 'messageStop', 'modelStreamErrorException', '__proto__'), {
      minLength: 1,
    }),
    fc.array(fc.constantFrom('event', 'event', 'event', 'exception', 'error', 'constructor'), { minLength: 1 }),
  )
  .map(([all, names, kinds]) =>
    Buffer.concat(
      all.map((text, index) => {
        const name = names[index % names.length] as string;
        const headers = { ':event-type': name, ':exception-type': name, ':message-type': kinds[index % kinds.length] as string };
        const payload = name === 'chunk' ? `{"bytes":"${Buffer.from(text).toString('base64')}"}` : text;
        return streamMessage(headers, Buffer.from(payload));
      }),
    ),
  );

/** Bytes that are changed, lost, repeated or put in at some places: what was whole is cut, and what was framed is not. */
function spoilt(bytes: fc.Arbitrary<Buffer>): fc.Arbitrary<Buffer> {
  const change = fc.tuple(fc.nat(), fc.constantFrom('change', 'cut', 'repeat', 'put'), fc.uint8Array({ minLength: 1, maxLength: 4 }));
  const changes = fc.oneof({ weight: 2, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: fc.array(change, { maxLength: 3 }) });
  return fc.tuple(bytes, changes).map(([whole, all]) => {
    let spoiled = whole;
    for (const [place, how, put] of all) {
      const at = spoiled.length === 0 ? 0 : place % spoiled.length;
      const [before, after] = [spoiled.subarray(0, at), spoiled.subarray(at)];
      if (how === 'cut') spoiled = before;
      else if (how === 'repeat') spoiled = Buffer.concat([before, after, after]);
      else spoiled = Buffer.concat([before, put, how === 'put' ? after : after.subarray(put.length)]);
    }
    return spoiled;
  });
}

export interface HostileAnswer {
  readonly bytes: Buffer;
  readonly contentType: string;
}

const TYPES = {
  sse: ['text/event-stream', 'text/event-stream; charset=utf-8', ''],
  lines: ['application/x-ndjson', 'application/stream+json'],
  body: ['application/json', 'application/json; charset=utf-8', 'text/plain', 'audio/mpeg'],
  messages: ['application/vnd.amazon.eventstream', 'application/VND.amazon.EventStream'],
} as const;

const ANY_TYPE: readonly string[] = [...Object.values(TYPES).flat(), 'json event-stream ndjson'];

function typed(bytes: fc.Arbitrary<Buffer>, types: readonly string[]): fc.Arbitrary<HostileAnswer> {
  const contentType = fc.oneof({ weight: 9, arbitrary: fc.constantFrom(...types) }, { weight: 1, arbitrary: fc.constantFrom(...ANY_TYPE) });
  return fc.record({ bytes: spoilt(bytes), contentType });
}

const utf8 = (text: fc.Arbitrary<string>): fc.Arbitrary<Buffer> => text.map((whole) => Buffer.from(whole));

export const hostileAnswer: fc.Arbitrary<HostileAnswer> = fc.oneof(
  typed(utf8(sse), TYPES.sse),
  typed(utf8(lines), TYPES.lines),
  typed(utf8(elements), TYPES.body),
  typed(utf8(body), TYPES.body),
  typed(messages, TYPES.messages),
);

export const hostileHeaders: fc.Arbitrary<Readonly<Record<string, string | string[]>>> = fc.dictionary(
  fc.constantFrom('x-amzn-bedrock-input-token-count', 'x-amzn-bedrock-output-token-count', 'x-amzn-requestid', 'content-type'),
  fc.oneof(fc.constantFrom('5', '-1', '1e3', '9007199254740993', '', ' 7', '0x10', 'constructor'), fc.constant<string[]>(['5', '6'])),
  { maxKeys: 2 },
);

/** Requests of each kind of API. */
const REAL_REQUESTS: readonly unknown[] = [
  {
    model: 'gpt-4o',
    stream: true,
    stream_options: { include_usage: false, include_obfuscation: true },
    messages: [
      { role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] },
      { role: 'assistant', tool_calls: [{ id: '1', function: { name: 'f', arguments: '{"a":1}' } }] },
      { role: 'tool', tool_call_id: '1', content: 'a' },
    ],
  },
  {
    model: 'gpt-5',
    stream: true,
    messages: [],
    prompt: 'a',
    input: [{ type: 'function_call', name: 'f', arguments: '{}' }],
    background: true,
  },
  {
    model: 'claude-sonnet-4-5',
    messages: [
      { role: 'assistant', content: [{ type: 'tool_use', name: 'f', input: { a: 1 } }] },
      { role: 'user', content: [{ type: 'tool_result', content: [{ type: 'text', text: 'a' }] }] },
    ],
    requests: [{ custom_id: '1', params: { model: 'm' } }],
  },
  {
    contents: [{ role: 'model', parts: [{ functionCall: { name: 'f', args: { a: 1 } } }, { inlineData: { data: 'a' } }] }],
    instances: [{}],
  },
  { messages: [{ role: 'assistant', content: [{ toolUse: { name: 'f', input: { a: 1 } } }] }], anthropic_version: 'bedrock-2023-05-31' },
];
const form = (text: string): string =>
  `--x\r\ncontent-disposition: form-data; name="model"\r\n\r\nm\r\n--x\r\ncontent-disposition: form-data; name="__proto__"\r\n\r\n${text}\r\n--x--`;

/** Bodies of requests; a form where the boundary is `x`. */
export const hostileRequest: fc.Arbitrary<Buffer> = spoilt(
  fc
    .tuple(fc.constantFrom(...REAL_REQUESTS), spoiling, fc.boolean())
    .map(([request, how]) => spoiltJson(request, how))
    .chain((text) => fc.constantFrom(text, text, text, form(text), text.replace(/\}$/, ',}')))
    .map((text) => Buffer.from(text)),
);

const RESPONSE_LINE = { id: 'l', custom_id: '1', response: { status_code: 200, request_id: 'r', body: {} }, error: null };

const resultLines = fc
  .tuple(fc.array(fc.constantFrom(...REAL_EVENTS.flat()), { maxLength: 4 }), spoiling, fc.boolean(), fc.constantFrom('\n', '\r\n', '\n\n'))
  .map(([answers, how, isOpenai, end]) =>
    answers
      .map((answer, index) =>
        isOpenai
          ? { ...RESPONSE_LINE, custom_id: String(index), response: { ...RESPONSE_LINE.response, body: answer } }
          : { custom_id: String(index), result: { type: 'succeeded', message: answer } },
      )
      .map((line, index) => spoiltJson(line, { ...how, seed: how.seed + index * 5 }) + end)
      .join(''),
  );

const BATCH = {
  id: 'b',
  object: 'batch',
  status: 'failed',
  request_counts: { total: 1, completed: 0, failed: 0 },
  created_at: 1_700_000_000,
};
const NAMED: readonly unknown[] = [
  BATCH,
  { object: 'list', data: [BATCH, { ...BATCH, status: 'completed', output_file_id: 'f', error_file_id: 'g' }] },
  {
    id: 'r',
    object: 'response',
    background: true,
    status: 'completed',
    created_at: 1_700_000_000,
    model: 'gpt-5',
    usage: { input_tokens: 30, output_tokens: 8, total_tokens: 38, input_tokens_details: { cached_tokens: 5 } },
  },
];
const named = fc.tuple(fc.constantFrom(...NAMED), spoiling).map(([answer, how]) => spoiltJson(answer, how));

/** Results of a batch, a line each, as OpenAI and Anthropic write them; batches, and responses that were made in the background. */
export const hostileResults: fc.Arbitrary<HostileAnswer> = fc.oneof(
  typed(utf8(resultLines), ['application/octet-stream', 'application/x-jsonl', 'application/json']),
  typed(utf8(named), TYPES.body),
);
