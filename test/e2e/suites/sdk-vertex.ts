/** Vertex AI through the running product: Anthropic's and Google's official packages, changed in nothing but base URL and credential, and a stream that nobody asked to be events. */
import { AnthropicVertex } from '@anthropic-ai/vertex-sdk';
import { GoogleGenAI } from '@google/genai';
import { OAuth2Client } from 'google-auth-library';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ScriptedLedger } from '../../support/ledger-on-script.ts';
import { type EventRow, rowOfAttempt } from '../../support/row.ts';
import { LEDGER_KEY } from '../../support/running-ledger.ts';
import { frame, jsonAnswer, streamAnswer } from '../../support/scripted-answers.ts';

const CLAUDE = 'claude-sonnet-4-5@20250929';
const CLAUDE_SERVED = 'claude-sonnet-4-5-20250929';
const GEMINI = 'gemini-2.5-flash';
const PLACE = 'projects/rivers/locations/us-east5/publishers';

const MESSAGE_USAGE = { input_tokens: 10, cache_read_input_tokens: 5, cache_creation_input_tokens: 0, output_tokens: 7 };
const MESSAGE = {
  id: 'msg_vrtx_1',
  type: 'message',
  role: 'assistant',
  model: CLAUDE_SERVED,
  content: [{ type: 'text', text: 'Rhine' }],
  stop_reason: 'end_turn',
  stop_sequence: null,
  usage: MESSAGE_USAGE,
};
const MESSAGE_FRAMES = [
  { type: 'message_start', message: { ...MESSAGE, content: [], stop_reason: null, usage: { ...MESSAGE_USAGE, output_tokens: 1 } } },
  { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
  { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'Rhine' } },
  { type: 'content_block_stop', index: 0 },
  { type: 'message_delta', delta: { stop_reason: 'end_turn', stop_sequence: null }, usage: { output_tokens: 7 } },
  { type: 'message_stop' },
].map((event) => frame(event, event.type));
const MESSAGE_ROW = {
  surface: 'vertex.messages',
  requested_model: CLAUDE,
  served_model: CLAUDE_SERVED,
  input_tokens: '15',
  output_tokens: '7',
};

const USAGE = { promptTokenCount: 20, candidatesTokenCount: 6, thoughtsTokenCount: 3, totalTokenCount: 29, trafficType: 'ON_DEMAND' };
const GEMINI_ROW = {
  requested_model: GEMINI,
  served_model: GEMINI,
  service_tier: 'ON_DEMAND',
  input_tokens: '20',
  output_tokens: '9',
  reasoning_tokens: '3',
};

function generated(text: string, finishReason?: string): Record<string, unknown> {
  const candidate = { content: { role: 'model', parts: [{ text }] }, ...(finishReason === undefined ? {} : { finishReason }) };
  const usageMetadata = finishReason === undefined ? { trafficType: 'ON_DEMAND' } : USAGE;
  return { candidates: [candidate], usageMetadata, modelVersion: GEMINI, responseId: 'response-1' };
}

/** `running` stands in front of a provider that a test scripts; it is asked for once the tests run. */
export function vertexSuite(running: () => ScriptedLedger): void {
  const row = (): Promise<EventRow> => rowOfAttempt(running().ledger, running().upstream.seen.at(-1));
  const asked = (): string | undefined => running().upstream.seen.at(-1)?.url;

  describe("Anthropic's package for Vertex AI", () => {
    let client: AnthropicVertex;
    beforeAll(() => {
      const authClient = new OAuth2Client();
      authClient.setCredentials({ access_token: LEDGER_KEY, expiry_date: Date.now() + 3_600_000 });
      client = new AnthropicVertex({
        region: 'us-east5',
        projectId: 'rivers',
        baseURL: `${running().ledger.url}/v1`,
        authClient,
        maxRetries: 0,
      });
    });

    const ASK = { model: CLAUDE, max_tokens: 100, messages: [{ role: 'user' as const, content: 'Name a river.' }] };

    test('a plain answer', async () => {
      running().upstream.answer = jsonAnswer(MESSAGE);
      expect((await client.messages.create(ASK)).content).toEqual(MESSAGE.content);
      expect(asked()).toBe(`/v1/${PLACE}/anthropic/models/${CLAUDE}:rawPredict`);
      expect(await row()).toMatchObject({ ...MESSAGE_ROW, outcome: 'ok', streamed: false, provider: 'vertex', region: 'us-east5' });
    });

    test('a stream', async () => {
      running().upstream.answer = streamAnswer(MESSAGE_FRAMES);
      let text = '';
      for await (const event of await client.messages.create({ ...ASK, stream: true })) {
        if (event.type === 'content_block_delta' && event.delta.type === 'text_delta') text += event.delta.text;
      }
      expect(text).toBe('Rhine');
      expect(asked()).toBe(`/v1/${PLACE}/anthropic/models/${CLAUDE}:streamRawPredict`);
      expect(await row()).toMatchObject({ ...MESSAGE_ROW, outcome: 'ok', streamed: true });
    });

    test("the provider's error is the package's error, and a row", async () => {
      running().upstream.answer = jsonAnswer({ type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } }, 529);
      await expect(client.messages.create(ASK)).rejects.toMatchObject({ status: 529 });
      expect(await row()).toMatchObject({ outcome: 'upstream_error', http_status: 529, input_tokens: null });
    });
  });

  describe("Google's package for Vertex AI, in express mode", () => {
    let client: GoogleGenAI;
    beforeAll(() => {
      client = new GoogleGenAI({ vertexai: true, apiKey: LEDGER_KEY, httpOptions: { baseUrl: running().ledger.url } });
    });

    test('a plain answer', async () => {
      running().upstream.answer = jsonAnswer(generated('Rhine', 'STOP'));
      expect((await client.models.generateContent({ model: GEMINI, contents: 'Name a river.' })).text).toBe('Rhine');
      expect(asked()).toMatch(/^\/v1(beta1)?\/publishers\/google\/models\/gemini-2\.5-flash:generateContent$/);
      expect(await row()).toMatchObject({
        ...GEMINI_ROW,
        surface: 'vertex.generate',
        outcome: 'ok',
        streamed: false,
        region: 'europe-west4',
      });
    });

    test('a stream', async () => {
      running().upstream.answer = streamAnswer([frame(generated('Rhine, ')), frame(generated('Elbe', 'STOP'))]);
      let text = '';
      for await (const chunk of await client.models.generateContentStream({ model: GEMINI, contents: 'Name rivers.' }))
        text += chunk.text ?? '';
      expect(text).toBe('Rhine, Elbe');
      expect(await row()).toMatchObject({ ...GEMINI_ROW, surface: 'vertex.generate', outcome: 'ok', streamed: true });
    });

    test('embeddings, which it asks to be predicted', async () => {
      const statistics = { truncated: false, token_count: 4 };
      running().upstream.answer = jsonAnswer({ predictions: [{ embeddings: { values: [0.25, 0.5], statistics } }] });
      const answer = await client.models.embedContent({ model: 'gemini-embedding-001', contents: ['A river'] });
      expect(answer.embeddings?.[0]?.values).toEqual([0.25, 0.5]);
      expect(await row()).toMatchObject({
        surface: 'vertex.predict',
        outcome: 'ok',
        requested_model: 'gemini-embedding-001',
        input_tokens: '4',
        output_tokens: '0',
      });
    });
  });

  describe.each([
    ['google.generate', `/v1beta/models/${GEMINI}:streamGenerateContent`],
    ['vertex.generate', `/v1/${PLACE}/google/models/${GEMINI}:streamGenerateContent`],
  ])('a stream of %s without alt=sse', (surface, path) => {
    const array = [
      `[${JSON.stringify(generated('Rhine, '), null, 2)}\n`,
      `,\r\n${JSON.stringify(generated('Elbe', 'STOP'), null, 2)}\n`,
      ']',
    ];

    test('is an array that arrives piece by piece, unchanged', async () => {
      running().upstream.answer = streamAnswer(array, { delayMs: 20, contentType: 'application/json; charset=UTF-8' });
      const answer = await fetch(`${running().ledger.url}${path}?key=${LEDGER_KEY}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ contents: [{ role: 'user', parts: [{ text: 'Name rivers.' }] }] }),
      });
      expect(await answer.text()).toBe(array.join(''));
      expect(asked()).toBe(path);
      expect(await row()).toMatchObject({ ...GEMINI_ROW, surface, outcome: 'ok', streamed: true });
    });
  });

  describe('embeddings of Vertex AI', () => {
    test('are read as those of the Gemini API', async () => {
      running().upstream.answer = jsonAnswer({ embedding: { values: [0.25] }, usageMetadata: { promptTokenCount: 4 } });
      await fetch(`${running().ledger.url}/v1/${PLACE}/google/models/gemini-embedding-2:embedContent`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${LEDGER_KEY}` },
        body: JSON.stringify({ content: { parts: [{ text: 'A river' }] } }),
      });
      expect(await row()).toMatchObject({
        surface: 'vertex.embed',
        requested_model: 'gemini-embedding-2',
        input_tokens: '4',
        output_tokens: '0',
      });
    });
  });

  test("the provider sees the channel's credential and nothing of the client's key", () => {
    const { seen } = running().upstream;
    expect(seen.length).toBeGreaterThan(0);
    expect(JSON.stringify(seen.map(({ url, headers }) => ({ url, headers })))).not.toContain(LEDGER_KEY);
  });
}
