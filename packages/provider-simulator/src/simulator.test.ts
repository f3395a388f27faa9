import { appendFile, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readBill, type BillLine } from './bill.ts';
import { type ProviderSimulator, startProviderSimulator } from './simulator.ts';
import type { Script } from './script.ts';

type Json = Readonly<Record<string, unknown>>;

const CHAT: Json = { model: 'gpt-4o-mini', messages: [{ role: 'user', content: 'How much rain fell?' }] };
const STREAM: Json = { ...CHAT, stream: true, stream_options: { include_usage: true } };
const MESSAGE: Json = { ...CHAT, model: 'claude-sonnet-4-5', max_tokens: 500 };
const TOOL: Json = {
  type: 'function',
  function: { name: 'measure', parameters: { type: 'object', properties: { hours: { type: 'integer' } }, required: ['hours'] } },
};

let directory: string;
let billFile: string;
let simulator: ProviderSimulator;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'provider-simulator-'));
  billFile = join(directory, 'bill.jsonl');
  simulator = await startProviderSimulator({ billFile });
});

afterAll(async () => {
  await simulator.close();
  await rm(directory, { recursive: true });
});

function post(path: string, body: Json, script: Script = {}, requestId = ''): Promise<Response> {
  const headers = {
    'content-type': 'application/json',
    'x-sim-script': JSON.stringify(script),
    ...(requestId === '' ? {} : { 'x-request-id': requestId }),
  };
  return fetch(simulator.url + path, { method: 'POST', headers, body: JSON.stringify(body) });
}

const chat = (body: Json, script?: Script, requestId?: string): Promise<Response> => post('/v1/chat/completions', body, script, requestId);
const message = (body: Json, script?: Script, requestId?: string): Promise<Response> => post('/v1/messages', body, script, requestId);

/** Data of a stream's events, `[DONE]` as text. */
function eventsOf(stream: string): readonly unknown[] {
  const lines = stream.split('\n').filter((line) => line.startsWith('data: '));
  return lines.map((line) => (line === 'data: [DONE]' ? '[DONE]' : (JSON.parse(line.slice(6)) as unknown)));
}

async function lineOf(requestId: string): Promise<BillLine> {
  const lines = (await simulator.bill()).filter((line) => line.request_id === requestId);
  expect(lines).toHaveLength(1);
  return lines[0] as BillLine;
}

async function rejected(promise: Promise<unknown>): Promise<boolean> {
  return promise.then(
    () => false,
    () => true,
  );
}

describe('OpenAI', () => {
  test('a plain answer states what the bill says', async () => {
    const answer = (await (await chat({ ...CHAT, model: 'gpt-5' }, {}, 'plain')).json()) as {
      id: string;
      model: string;
      usage: Record<string, number>;
    };
    const line = await lineOf('plain');
    expect(line).toMatchObject({ id: answer.id, served_model: answer.model, completed: true, reported: true, usage: answer.usage });
    const classes = line.classes as NonNullable<BillLine['classes']>;
    expect(classes.reasoning).toBeGreaterThan(0);
    expect(answer.usage['prompt_tokens']).toBe(classes.uncached_input + classes.cache_read);
    expect(answer.usage['completion_tokens']).toBe(classes.visible_output + classes.reasoning);
  });

  test('a stream that asks for usage has null in every chunk and a last chunk of usage alone', async () => {
    const response = await chat(STREAM, { chunks: 3 });
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const events = eventsOf(await response.text());
    expect(events).toHaveLength(7);
    expect(events.slice(0, 5).every((event) => (event as Json)['usage'] === null)).toBe(true);
    expect(events[5]).toMatchObject({ choices: [], usage: { completion_tokens: 3 } });
    expect(events[6]).toBe('[DONE]');
  });

  test('a stream that does not ask has no usage at all, but is billed', async () => {
    const events = eventsOf(await (await chat({ ...CHAT, stream: true }, { chunks: 2 }, 'unasked')).text());
    expect(events.some((event) => Object.hasOwn(event as object, 'usage'))).toBe(false);
    expect(await lineOf('unasked')).toMatchObject({ completed: true, reported: false, classes: { visible_output: 2 } });
  });

  test('a tool is called with the arguments it requires, and not again after its result', async () => {
    const called = (await (await chat({ ...CHAT, tools: [TOOL] })).json()) as {
      choices: { message: { tool_calls: { function: { arguments: string } }[] }; finish_reason: string }[];
    };
    const choice = called.choices[0] as (typeof called.choices)[0];
    expect(choice.finish_reason).toBe('tool_calls');
    expect(JSON.parse(choice.message.tool_calls[0]?.function.arguments ?? '')).toEqual({ hours: expect.any(Number) as unknown });
    const events = eventsOf(await (await chat({ ...STREAM, tools: [TOOL] })).text()) as {
      choices: { delta: { tool_calls?: { function: { arguments: string } }[] } }[];
    }[];
    const parts = events.flatMap((event) => event.choices?.[0]?.delta.tool_calls ?? []).map((call) => call.function.arguments);
    expect(JSON.parse(parts.join(''))).toEqual({ hours: expect.any(Number) as unknown });
    const messages = [
      { role: 'user', content: 'x' },
      { role: 'tool', content: '3 mm' },
    ];
    expect(await (await chat({ ...CHAT, messages, tools: [TOOL] })).text()).toContain('"finish_reason": "stop"');
  });

  test('refuses what the provider refuses', async () => {
    expect((await chat({ messages: [] })).status).toBe(400);
    expect((await chat({ ...CHAT, stream_options: { include_usage: true } })).status).toBe(400);
    expect((await post('/v1/unknown', CHAT)).status).toBe(404);
  });
});

describe('Anthropic', () => {
  test('a plain answer states what the bill says, cache beside the input', async () => {
    const script: Script = {
      classes: { uncached_input: 10, cache_read: 20, cache_write_5m: 30, cache_write_1h: 40, reasoning: 5, web_search_requests: 2 },
      chunks: 3,
    };
    const answer = (await (await message(MESSAGE, script, 'classes')).json()) as Json;
    expect(answer['usage']).toMatchObject({
      input_tokens: 10,
      cache_read_input_tokens: 20,
      cache_creation_input_tokens: 70,
      cache_creation: { ephemeral_5m_input_tokens: 30, ephemeral_1h_input_tokens: 40 },
      output_tokens: 8,
      output_tokens_details: { thinking_tokens: 5 },
      server_tool_use: { web_search_requests: 2 },
    });
    expect((await lineOf('classes')).classes).toMatchObject({ uncached_input: 10, cache_write_1h: 40, visible_output: 3 });
  });

  test('a stream begins with a first count of output and ends with the whole usage', async () => {
    const events = eventsOf(await (await message({ ...MESSAGE, stream: true }, { chunks: 2 })).text()) as {
      type: string;
      message?: Json;
      usage?: Json;
    }[];
    expect(events.map((event) => event.type)).toEqual([
      'message_start',
      'ping',
      'content_block_start',
      'content_block_delta',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ]);
    expect(events[0]?.message?.['usage']).toMatchObject({ output_tokens: 1 });
    expect(events[6]?.usage).toMatchObject({ output_tokens: 2 });
  });

  test('max_tokens truncates', async () => {
    expect(await (await message({ ...MESSAGE, max_tokens: 2 })).json()).toMatchObject({
      stop_reason: 'max_tokens',
      usage: { output_tokens: 2 },
    });
  });

  test('an error has the provider’s shape', async () => {
    const response = await message(MESSAGE, { status: 529, retry_after_s: 7, error_message: 'Overloaded' }, 'overloaded');
    expect(response.status).toBe(529);
    expect(response.headers.get('retry-after')).toBe('7');
    expect(await response.json()).toMatchObject({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } });
    expect(await lineOf('overloaded')).toMatchObject({ status: 529, completed: false, classes: null });
  });
});

describe('a script', () => {
  test.each(['gzip', 'br', 'zstd'] as const)('compresses with %s, plain and streamed', async (encoding) => {
    const plain = await chat(CHAT, { encoding });
    expect(plain.headers.get('content-encoding')).toBe(encoding);
    expect(await plain.json()).toMatchObject({ object: 'chat.completion' });
    expect(eventsOf(await (await chat(STREAM, { encoding, chunks: 5 })).text())).toHaveLength(9);
  });

  test('an error that was billed states what it cost, and the bill has it', async () => {
    const answer = await chat(CHAT, { status: 500, billed: true, classes: { uncached_input: 40, cache_read: 2 } }, 'billed-error');
    expect(answer.status).toBe(500);
    expect(await answer.json()).toMatchObject({ error: { type: 'server_error' }, usage: { prompt_tokens: 42 } });
    expect(await lineOf('billed-error')).toMatchObject({ status: 500, completed: false, reported: true, classes: { uncached_input: 40 } });
  });

  test('cuts a stream, and the bill says so', async () => {
    const response = await chat(STREAM, { cut_after_chunks: 2 }, 'cut');
    expect(await rejected(response.text())).toBe(true);
    expect(await lineOf('cut')).toMatchObject({ completed: false, reported: false });
  });

  test('cuts a plain answer', async () => {
    const cut = chat(CHAT, { cut_after_bytes: 10 }, 'cut-plain').then((response) => response.text());
    expect(await rejected(cut)).toBe(true);
    expect((await lineOf('cut-plain')).completed).toBe(false);
  });

  test('breaks a stream off with an error', async () => {
    const openai = eventsOf(await (await chat(STREAM, { error_after_chunks: 2 }, 'broken')).text());
    expect(openai).toHaveLength(3);
    expect(openai[2]).toMatchObject({ error: { type: 'server_error' } });
    const anthropic = eventsOf(
      await (await message({ ...MESSAGE, stream: true }, { error_after_chunks: 1, error_type: 'overloaded_error' })).text(),
    );
    expect(anthropic[1]).toMatchObject({ type: 'error', error: { type: 'overloaded_error' } });
    expect((await lineOf('broken')).completed).toBe(false);
  });

  test('stalls until the client leaves', async () => {
    const leave = new AbortController();
    const headers = { 'x-sim-script': JSON.stringify({ stall_after_chunks: 1 } satisfies Script), 'x-request-id': 'stalled' };
    const response = await fetch(`${simulator.url}/v1/chat/completions`, {
      method: 'POST',
      headers,
      body: JSON.stringify(STREAM),
      signal: leave.signal,
    });
    const reader = (response.body as ReadableStream<Uint8Array>).getReader();
    expect((await reader.read()).done).toBe(false);
    leave.abort();
    await expect.poll(async () => (await simulator.bill()).some((line) => line.request_id === 'stalled' && !line.completed)).toBe(true);
  });

  test('dictates a usage object, whose classes the bill then does not know', async () => {
    const usage = { prompt_tokens: -5, completion_tokens: 'many' };
    expect(await (await chat(CHAT, { usage }, 'dictated')).json()).toMatchObject({ usage });
    expect(await lineOf('dictated')).toMatchObject({ usage, classes: null });
  });

  test('leaves usage or the end out', async () => {
    expect(await (await chat(CHAT, { no_usage: true }, 'silent')).json()).not.toHaveProperty('usage');
    expect(await lineOf('silent')).toMatchObject({ completed: true, reported: false });
    expect(eventsOf(await (await chat(STREAM, { no_end: true })).text())).not.toContain('[DONE]');
  });

  test('sizes an answer', async () => {
    const answer = (await (await chat(CHAT, { answer_bytes: 65_536 })).json()) as { choices: { message: { content: string } }[] };
    expect(answer.choices[0]?.message.content).toHaveLength(65_536);
  });

  test('may stand in the model’s name or in the body', async () => {
    expect(await (await chat({ ...CHAT, model: 'gpt-4o?chunks=2&service_tier=flex' })).json()).toMatchObject({
      model: 'gpt-4o-2024-08-06',
      service_tier: 'flex',
      usage: { completion_tokens: 2 },
    });
    expect((await chat({ ...CHAT, sim_script: { status: 503 } })).status).toBe(503);
  });

  test('that is wrong is refused, not ignored', async () => {
    for (const script of [{ stauts: 500 }, { chunks: -1 }, { no_usage: 'yes' }]) {
      const response = await chat(CHAT, script as Script);
      expect(response.status).toBe(400);
    }
  });

  test('waits before the first byte', async () => {
    const startedAt = performance.now();
    await chat(CHAT, { latency_ms: 60 });
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(59);
  });
});

describe('the simulator', () => {
  test('answers equal requests equally under an equal seed, with ids of their own', async () => {
    const other = await startProviderSimulator({ seed: 1 });
    const ask = async (url: string): Promise<Record<string, unknown>> =>
      (await (await fetch(`${url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(CHAT) })).json()) as Record<string, unknown>;
    const [first, second] = [await ask(simulator.url), await ask(other.url)];
    expect(second['choices']).toEqual(first['choices']);
    expect(second['usage']).toEqual(first['usage']);
    expect(second['id']).not.toBe(first['id']);
    await other.close();
  });

  test('lists models in the shape that the client speaks', async () => {
    expect(await (await fetch(`${simulator.url}/v1/models`)).json()).toMatchObject({ object: 'list' });
    const headers = { 'anthropic-version': '2023-06-01' };
    expect(await (await fetch(`${simulator.url}/v1/models`, { headers })).json()).toMatchObject({ has_more: false });
  });

  test('asks for its key when it has one', async () => {
    await using keyed = Object.assign(await startProviderSimulator({ apiKey: 'secret' }), {
      [Symbol.asyncDispose]: async () => keyed.close(),
    });
    const ask = (headers: Record<string, string>): Promise<Response> =>
      fetch(`${keyed.url}/v1/messages`, { method: 'POST', headers, body: JSON.stringify(MESSAGE) });
    expect((await ask({})).status).toBe(401);
    expect((await ask({ 'x-api-key': 'secret' })).status).toBe(200);
    expect((await ask({ authorization: 'Bearer secret' })).status).toBe(200);
  });

  test('has a line on disk before an answer ends', async () => {
    const answers = Array.from({ length: 50 }, async (_, index) => {
      await (await chat(CHAT, {}, `disk-${index}`)).text();
      expect(await readFile(billFile, 'utf8')).toContain(`"request_id":"disk-${index}"`);
    });
    await Promise.all(answers);
  });

  test('reads a bill without its torn last line', async () => {
    const file = join(directory, 'torn.jsonl');
    const torn = await startProviderSimulator({ billFile: file });
    await (await fetch(`${torn.url}/v1/chat/completions`, { method: 'POST', body: JSON.stringify(CHAT) })).text();
    await torn.close();
    await appendFile(file, '{"id":"half');
    expect(await readBill(file)).toHaveLength(1);
  });
});
