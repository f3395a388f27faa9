import { describe, expect, test } from 'vitest';
import { anthropicMessages } from './anthropic-messages/index.ts';
import { openaiChat } from './openai-chat/index.ts';
import { dataEvents, JSON_BODY, namedEvents, SSE } from './testing/answers.ts';
import type { Surface } from './surface.ts';

const reading = (surface: Surface, contentType = SSE.contentType) =>
  surface.usageReader({ contentType, httpStatus: 200, answerBytesMax: 1_000_000 });
const WORDS = 'The ledger of tokens is kept in full, whoever leaves before its end. ';

describe('of a chat stream that breaks off', () => {
  const chunk = (delta: object): string =>
    dataEvents({
      id: 'chatcmpl-1',
      object: 'chat.completion.chunk',
      model: 'gpt-5',
      system_fingerprint: 'fp_0123456789',
      choices: [{ index: 0, delta }],
    });

  test('nothing is known before content', () => {
    const reader = reading(openaiChat);
    reader.push(Buffer.from(chunk({ role: 'assistant', content: '' })));
    expect(reader.soFar()).toEqual({ stated: null, contentBytes: 0, servedModel: 'gpt-5', serviceTier: '' });
  });

  test.each([
    ['text', (text: string) => ({ content: text })],
    ['reasoning', (text: string) => ({ reasoning_content: text })],
    ['a tool call', (text: string) => ({ tool_calls: [{ index: 0, id: 'call_1', function: { arguments: text } }] })],
  ])('%s is measured without what it is wrapped in', (_what, delta) => {
    const reader = reading(openaiChat);
    reader.push(Buffer.from(chunk({ role: 'assistant', content: '' })));
    const texts = WORDS.repeat(40).match(/\S+ /g) ?? [];
    for (const [index, text] of texts.entries()) {
      reader.push(Buffer.from(chunk(delta(text))));
      if (index === 100) reader.measureContent();
    }
    const content = texts.join('').length;
    expect(reader.soFar().contentBytes).toBeGreaterThan(content * 0.6);
    expect(reader.soFar().contentBytes).toBeLessThan(content * 1.4);
  });

  test('measuring looks at few events of a long stream', () => {
    const reader = reading(openaiChat);
    reader.push(Buffer.from(chunk({ role: 'assistant', content: '' })));
    reader.measureContent();
    const run = Buffer.from(Array.from({ length: 500 }, () => chunk({ content: 'word ' })).join(''));
    for (let count = 0; count < 20; count++) reader.push(run);
    expect(reader.soFar().contentBytes / (20 * 500 * 5)).toBeCloseTo(1, 1);
  });
});

describe('of a message stream that breaks off', () => {
  const START = namedEvents({
    type: 'message_start',
    message: {
      id: 'msg_1',
      model: 'claude-x',
      usage: { input_tokens: 25, cache_read_input_tokens: 900, output_tokens: 1, service_tier: 'standard' },
    },
  });
  const delta = (text: string): string => namedEvents({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } });

  test('the input is as the provider stated it, and the output is not known', () => {
    const reader = reading(anthropicMessages);
    reader.push(Buffer.from(START));
    expect(reader.soFar()).toMatchObject({
      stated: { uncached_input: 25, cache_read: 900, visible_output: null, reasoning: null },
      contentBytes: 0,
      servedModel: 'claude-x',
      serviceTier: 'standard',
    });
    expect(reader.end()).toMatchObject({ usage: null, usageReason: 'cut_off' });
  });

  test('content is measured', () => {
    const reader = reading(anthropicMessages);
    reader.push(Buffer.from(START + delta('Ledger ')));
    reader.measureContent();
    for (let count = 0; count < 50; count++) reader.push(Buffer.from(delta(WORDS)));
    const content = 50 * WORDS.length + 7;
    expect(reader.soFar().contentBytes / content).toBeGreaterThan(0.6);
    expect(reader.soFar().contentBytes / content).toBeLessThan(1.4);
  });
});

test('of a plain answer all bytes are content', () => {
  const reader = reading(openaiChat, JSON_BODY.contentType);
  reader.push(Buffer.from('{"id":"chatcmpl-1","choi'));
  expect(reader.soFar()).toEqual({ stated: null, contentBytes: 24, servedModel: '', serviceTier: '' });
});

test.each([
  ['a text', [{ role: 'user', content: 'hello' }], false],
  ['parts of text', [{ role: 'user', content: [{ type: 'text', text: 'an image of a file' }] }], false],
  [
    'an image',
    [
      {
        role: 'user',
        content: [
          { type: 'text', text: 'look' },
          { type: 'image_url', image_url: { url: 'data:' } },
        ],
      },
    ],
    true,
  ],
  ['a sound', [{ role: 'user', content: [{ type: 'input_audio', input_audio: {} }] }], true],
  ['a document', [{ role: 'user', content: [{ type: 'document', source: {} }] }], true],
  ['an image that a tool gave', [{ role: 'user', content: [{ type: 'tool_result', content: [{ type: 'image', source: {} }] }] }], true],
  ['nothing', 'hello', false],
])('a request with %s', (_what, messages, expected) => {
  const body = Buffer.from(JSON.stringify({ model: 'm', messages }));
  for (const surface of [openaiChat, anthropicMessages])
    expect(surface.readRequest(body, { injectUsage: false })).toMatchObject({ holdsMedia: expected });
});
