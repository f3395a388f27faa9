/** Google's official package against the running product, changed in nothing but base URL and key. */
import { ApiError, type GenerateContentConfig, GoogleGenAI } from '@google/genai';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ScriptedLedger } from '../../support/ledger-on-script.ts';
import { countRows, type EventRow, rowOfAttempt } from '../../support/row.ts';
import { LEDGER_KEY } from '../../support/running-ledger.ts';
import { frame, jsonAnswer, streamAnswer } from '../../support/scripted-answers.ts';

const MODEL = 'gemini-2.5-flash';
/** Thoughts stand beside the candidates, what was cached inside the prompt. */
const USAGE = {
  promptTokenCount: 20,
  cachedContentTokenCount: 4,
  candidatesTokenCount: 6,
  thoughtsTokenCount: 3,
  totalTokenCount: 29,
  promptTokensDetails: [{ modality: 'TEXT', tokenCount: 20 }],
};
const CLASSES = { input_tokens: '20', output_tokens: '9', uncached_input_tokens: '16', cache_read_tokens: '4', reasoning_tokens: '3' };

function answerOf(parts: readonly unknown[], finishReason?: string, usage: object = USAGE) {
  const candidate = { content: { role: 'model', parts }, index: 0, ...(finishReason === undefined ? {} : { finishReason }) };
  return { candidates: [candidate], usageMetadata: usage, modelVersion: MODEL, responseId: 'response-1' };
}

const FRAMES = [
  frame(answerOf([{ text: 'Rhine, ' }], undefined, { promptTokenCount: 8, totalTokenCount: 8 })),
  ...Array.from({ length: 20 }, () =>
    frame(answerOf([{ text: 'and so on, ' }], undefined, { promptTokenCount: 8, candidatesTokenCount: 2, totalTokenCount: 10 })),
  ),
  frame(answerOf([{ text: 'Elbe' }], 'STOP')),
];

/** `running` stands in front of a provider that a test scripts; it is asked for once the tests run. */
export function googleSuite(running: () => ScriptedLedger): void {
  describe("Google's package", () => {
    let client: GoogleGenAI;
    beforeAll(() => {
      client = new GoogleGenAI({ apiKey: LEDGER_KEY, httpOptions: { baseUrl: running().ledger.url } });
    });

    const ask = (config: GenerateContentConfig = {}) => ({ model: MODEL, contents: 'Name three rivers.', config });
    const row = (): Promise<EventRow> => rowOfAttempt(running().ledger, running().upstream.seen.at(-1));

    test('a plain answer', async () => {
      running().upstream.answer = jsonAnswer(answerOf([{ text: 'Rhine' }], 'STOP'));
      const answer = await client.models.generateContent(ask());
      expect(answer.text).toBe('Rhine');
      expect(answer.usageMetadata).toMatchObject({ totalTokenCount: 29 });
      expect(await row()).toMatchObject({
        surface: 'google.generate',
        outcome: 'ok',
        streamed: false,
        requested_model: MODEL,
        served_model: MODEL,
        ...CLASSES,
      });
    });

    test('a stream', async () => {
      running().upstream.answer = streamAnswer(FRAMES);
      let text = '';
      for await (const chunk of await client.models.generateContentStream(ask())) text += chunk.text ?? '';
      expect(text).toMatch(/^Rhine, .*Elbe$/);
      expect(await row()).toMatchObject({ surface: 'google.generate', outcome: 'ok', streamed: true, served_model: MODEL, ...CLASSES });
    });

    test('tool calls', async () => {
      running().upstream.answer = jsonAnswer(answerOf([{ functionCall: { name: 'river_length', args: { name: 'Rhine' } } }], 'STOP'));
      const declaration = { name: 'river_length', parametersJsonSchema: { type: 'object', properties: { name: { type: 'string' } } } };
      const answer = await client.models.generateContent(ask({ tools: [{ functionDeclarations: [declaration] }] }));
      expect(answer.functionCalls?.[0]).toMatchObject({ name: 'river_length', args: { name: 'Rhine' } });
      expect(await row()).toMatchObject({ surface: 'google.generate', outcome: 'ok', ...CLASSES });
    });

    test('embeddings', async () => {
      running().upstream.answer = jsonAnswer({ embeddings: [{ values: [0.25, 0.5] }] });
      const answer = await client.models.embedContent({ model: 'gemini-embedding-001', contents: ['A river'] });
      expect(answer.embeddings?.[0]?.values).toEqual([0.25, 0.5]);
      expect(await row()).toMatchObject({
        surface: 'google.embed',
        outcome: 'ok',
        requested_model: 'gemini-embedding-001',
        usage_reason: 'not_reported',
        input_tokens: null,
      });
    });

    test("the provider's error is the SDK's error, and a row", async () => {
      running().upstream.answer = jsonAnswer({ error: { code: 429, message: 'Quota exceeded.', status: 'RESOURCE_EXHAUSTED' } }, 429);
      const error = await client.models.generateContent(ask()).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(ApiError);
      expect(error).toMatchObject({ status: 429 });
      expect(await row()).toMatchObject({ outcome: 'upstream_error', http_status: 429, input_tokens: null, cost_usd: null });
    });

    test('an unknown key is an error in the shape that the SDK reads', async () => {
      const stranger = new GoogleGenAI({ apiKey: 'tl-nobody-knows-this-key-at-all', httpOptions: { baseUrl: running().ledger.url } });
      await expect(stranger.models.generateContent(ask())).rejects.toMatchObject({ status: 401 });
    });

    test('a stream that the client aborts is read to its end and billed', async () => {
      const left = Promise.withResolvers<void>();
      running().upstream.answer = streamAnswer(FRAMES, { delayMs: 5, pause: left.promise });
      const stop = new AbortController();
      const read = async (): Promise<void> => {
        for await (const chunk of await client.models.generateContentStream(ask({ abortSignal: stop.signal }))) {
          if (chunk.text !== '') stop.abort();
        }
      };
      await expect(read()).rejects.toThrow(/abort/i);
      left.resolve();
      expect(await row()).toMatchObject({ outcome: 'client_aborted', usage_source: 'reported', ...CLASSES });
    });

    test('counting tokens is free, and no event', async () => {
      running().upstream.answer = jsonAnswer({ totalTokens: 5 });
      const before = await countRows(running().ledger);
      expect(await client.models.countTokens({ model: MODEL, contents: 'Name three rivers.' })).toMatchObject({ totalTokens: 5 });
      // An event of its own would come before that of the request which follows it.
      running().upstream.answer = jsonAnswer(answerOf([{ text: 'Rhine' }], 'STOP'));
      await client.models.generateContent(ask());
      await row();
      expect(await countRows(running().ledger)).toBe(before + 1);
    });

    test("the provider sees the channel's credential and nothing of the client's key", () => {
      const { seen } = running().upstream;
      expect(seen.length).toBeGreaterThan(0);
      expect(JSON.stringify(seen.map(({ url, headers }) => ({ url, headers })))).not.toContain(LEDGER_KEY);
    });
  });
}
