/** What OpenAI's official package asks besides chat completions, against the running product, changed in nothing but base URL and key. */
import OpenAI, { toFile } from 'openai';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ScriptedLedger } from '../../support/ledger-on-script.ts';
import { type EventRow, rowOfAttempt } from '../../support/row.ts';
import { LEDGER_KEY } from '../../support/running-ledger.ts';
import { bytesAnswer, frame, jsonAnswer, streamAnswer } from '../../support/scripted-answers.ts';

const RESPONSES_MODEL = 'gpt-4.1-mini-2025-04-14';
/** What was cached stands inside the input, reasoning inside the output. */
const RESPONSES_USAGE = {
  input_tokens: 20,
  input_tokens_details: { cached_tokens: 4 },
  output_tokens: 9,
  output_tokens_details: { reasoning_tokens: 3 },
  total_tokens: 29,
};
const RESPONSES_CLASSES = {
  input_tokens: '20',
  output_tokens: '9',
  uncached_input_tokens: '16',
  cache_read_tokens: '4',
  reasoning_tokens: '3',
};

function responseOf(output: readonly unknown[], status = 'completed') {
  return {
    id: 'resp_1',
    object: 'response',
    created_at: 1_700_000_000,
    status,
    error: null,
    incomplete_details: null,
    instructions: null,
    metadata: {},
    model: RESPONSES_MODEL,
    output,
    parallel_tool_calls: true,
    temperature: 1,
    tool_choice: 'auto',
    tools: [],
    top_p: 1,
    service_tier: 'default',
    usage: status === 'completed' ? RESPONSES_USAGE : null,
  };
}

function message(text: string) {
  return {
    type: 'message',
    id: 'msg_1',
    role: 'assistant',
    status: 'completed',
    content: [{ type: 'output_text', text, annotations: [] }],
  };
}

function event(type: string, fields: object): string {
  return frame({ type, ...fields }, type);
}

const RESPONSES_FRAMES = [
  event('response.created', { sequence_number: 0, response: responseOf([], 'in_progress') }),
  ...Array.from({ length: 20 }, (_, index) =>
    event('response.output_text.delta', {
      sequence_number: index + 1,
      item_id: 'msg_1',
      output_index: 0,
      content_index: 0,
      delta: 'Rhine ',
      logprobs: [],
    }),
  ),
  event('response.completed', { sequence_number: 21, response: responseOf([message('Rhine '.repeat(20))]) }),
];

/** `running` stands in front of a provider that a test scripts. */
export function openaiSurfacesSuite(running: () => ScriptedLedger): void {
  describe("OpenAI's package", () => {
    let client: OpenAI;
    beforeAll(() => {
      client = new OpenAI({ baseURL: `${running().ledger.url}/v1`, apiKey: LEDGER_KEY, maxRetries: 0 });
    });

    const row = (): Promise<EventRow> => rowOfAttempt(running().ledger, running().upstream.seen.at(-1));
    const answerWith = (value: unknown, status = 200): void => void (running().upstream.answer = jsonAnswer(value, status));

    describe('responses', () => {
      const asked = { model: 'gpt-4.1-mini', input: 'Name three rivers.' };
      const facts = { surface: 'openai.responses', requested_model: 'gpt-4.1-mini', served_model: RESPONSES_MODEL, ...RESPONSES_CLASSES };

      test('a plain response', async () => {
        answerWith(responseOf([message('Rhine')]));
        const answer = await client.responses.create(asked);
        expect(answer.output_text).toBe('Rhine');
        expect(await row()).toMatchObject({ outcome: 'ok', streamed: false, service_tier: 'default', ...facts });
      });

      test('a stream', async () => {
        running().upstream.answer = streamAnswer(RESPONSES_FRAMES);
        let text = '';
        for await (const part of await client.responses.create({ ...asked, stream: true })) {
          if (part.type === 'response.output_text.delta') text += part.delta;
        }
        expect(text).toMatch(/^(Rhine ){20}$/);
        expect(await row()).toMatchObject({ outcome: 'ok', streamed: true, ...facts });
      });

      test('tool calls', async () => {
        const call = {
          type: 'function_call',
          id: 'fc_1',
          call_id: 'call_1',
          name: 'river_length',
          arguments: '{"name":"Rhine"}',
          status: 'completed',
        };
        answerWith(responseOf([call]));
        const parameters = { type: 'object', properties: { name: { type: 'string' } } };
        const tools = [{ type: 'function' as const, name: 'river_length', parameters, strict: false }];
        const answer = await client.responses.create({ ...asked, tools });
        expect(answer.output[0]).toMatchObject({ type: 'function_call', name: 'river_length' });
        expect(await row()).toMatchObject({ outcome: 'ok', ...facts });
      });

      test("the provider's error is the SDK's error, and a row", async () => {
        answerWith(
          { error: { message: 'Rate limit reached', type: 'rate_limit_exceeded', code: 'rate_limit_exceeded', param: null } },
          429,
        );
        await expect(client.responses.create(asked)).rejects.toThrow(OpenAI.RateLimitError);
        expect(await row()).toMatchObject({ surface: 'openai.responses', outcome: 'upstream_error', http_status: 429, input_tokens: null });
      });

      test('a stream that the client aborts is read to its end and billed', async () => {
        const left = Promise.withResolvers<void>();
        running().upstream.answer = streamAnswer(RESPONSES_FRAMES, { delayMs: 5, pause: left.promise });
        const stream = await client.responses.create({ ...asked, stream: true });
        for await (const part of stream) if (part.type === 'response.output_text.delta') break;
        stream.controller.abort();
        left.resolve();
        expect(await row()).toMatchObject({ outcome: 'client_aborted', usage_source: 'reported', ...facts });
      });
    });

    test('embeddings', async () => {
      const embedding = Buffer.from(new Float32Array([0.25, 0.5]).buffer).toString('base64');
      const usage = { prompt_tokens: 8, total_tokens: 8 };
      answerWith({ object: 'list', data: [{ object: 'embedding', index: 0, embedding }], model: 'text-embedding-3-small', usage });
      const answer = await client.embeddings.create({ model: 'text-embedding-3-small', input: 'A river' });
      expect(answer.data[0]?.embedding).toEqual([0.25, 0.5]);
      expect(await row()).toMatchObject({
        surface: 'openai.embeddings',
        outcome: 'ok',
        served_model: 'text-embedding-3-small',
        input_tokens: '8',
      });
    });

    test('a legacy completion', async () => {
      const usage = { prompt_tokens: 5, completion_tokens: 7, total_tokens: 12 };
      const choices = [{ index: 0, text: 'Rhine', finish_reason: 'stop', logprobs: null }];
      answerWith({ id: 'cmpl-1', object: 'text_completion', created: 1_700_000_000, model: 'gpt-3.5-turbo-instruct', choices, usage });
      const answer = await client.completions.create({ model: 'gpt-3.5-turbo-instruct', prompt: 'Name a river.' });
      expect(answer.choices[0]?.text).toBe('Rhine');
      expect(await row()).toMatchObject({ surface: 'openai.completions', outcome: 'ok', input_tokens: '5', output_tokens: '7' });
    });

    describe('images', () => {
      const usage = {
        input_tokens: 13,
        input_tokens_details: { text_tokens: 13, image_tokens: 0 },
        output_tokens: 1056,
        total_tokens: 1069,
      };
      const totals = { surface: 'openai.images', outcome: 'ok', requested_model: 'gpt-image-1', input_tokens: '13', output_tokens: '1056' };

      test('one that is made', async () => {
        answerWith({ created: 1_700_000_000, data: [{ b64_json: 'aW1hZ2U=' }], usage });
        const answer = await client.images.generate({ model: 'gpt-image-1', prompt: 'A river' });
        expect(answer.data?.[0]?.b64_json).toBe('aW1hZ2U=');
        expect(await row()).toMatchObject({ streamed: false, ...totals });
      });

      test('one that is streamed while it is made', async () => {
        const fields = {
          b64_json: 'aW1hZ2U=',
          created_at: 1_700_000_000,
          size: '1024x1024',
          quality: 'high',
          background: 'opaque',
          output_format: 'png',
        };
        running().upstream.answer = streamAnswer([
          event('image_generation.partial_image', { ...fields, partial_image_index: 0 }),
          event('image_generation.completed', { ...fields, usage }),
        ]);
        const types: string[] = [];
        const asked = { model: 'gpt-image-1', prompt: 'A river', stream: true as const, partial_images: 1 };
        for await (const part of await client.images.generate(asked)) types.push(part.type);
        expect(types).toEqual(['image_generation.partial_image', 'image_generation.completed']);
        expect(await row()).toMatchObject({ streamed: true, ...totals });
      });

      test('one that is changed, sent as a form', async () => {
        answerWith({ created: 1_700_000_000, data: [{ b64_json: 'aW1hZ2U=' }], usage });
        const image = await toFile(Buffer.from('an image'), 'river.png', { type: 'image/png' });
        await client.images.edit({ model: 'gpt-image-1', prompt: 'More water', image });
        expect(running().upstream.seen.at(-1)?.headers['content-type']).toMatch(/^multipart\/form-data; boundary=/);
        expect(await row()).toMatchObject({ streamed: false, ...totals });
      });
    });

    describe('audio', () => {
      const sound = (): Promise<File> => toFile(Buffer.from('a sound'), 'river.mp3', { type: 'audio/mpeg' });

      test('speech comes back as its bytes', async () => {
        const bytes = Buffer.from([0xff, 0xfb, 0x90, 0x00, 0x00, 0x7b, 0x22]);
        running().upstream.answer = bytesAnswer(bytes, 'audio/mpeg');
        const answer = await client.audio.speech.create({ model: 'tts-1', voice: 'alloy', input: 'Name a river.' });
        expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true);
        expect(await row()).toMatchObject({
          surface: 'openai.speech',
          outcome: 'ok',
          requested_model: 'tts-1',
          input_tokens: null,
          output_tokens: null,
        });
      });

      test('a transcription that is billed by tokens', async () => {
        const usage = {
          type: 'tokens',
          input_tokens: 14,
          input_token_details: { text_tokens: 4, audio_tokens: 10 },
          output_tokens: 8,
          total_tokens: 22,
        };
        answerWith({ text: 'The Rhine.', usage });
        const answer = await client.audio.transcriptions.create({ model: 'gpt-4o-transcribe', file: await sound() });
        expect(answer.text).toBe('The Rhine.');
        expect(await row()).toMatchObject({
          surface: 'openai.transcription',
          outcome: 'ok',
          requested_model: 'gpt-4o-transcribe',
          input_tokens: '14',
          input_audio_tokens: '10',
          output_tokens: '8',
        });
      });

      test('a transcription that is billed by its length', async () => {
        answerWith({ text: 'The Rhine.', usage: { type: 'duration', seconds: 7 } });
        await client.audio.transcriptions.create({ model: 'whisper-1', file: await sound() });
        expect(await row()).toMatchObject({ surface: 'openai.transcription', outcome: 'ok', audio_seconds: '7', input_tokens: null });
      });

      test('a transcription that is streamed', async () => {
        const usage = {
          type: 'tokens',
          input_tokens: 14,
          input_token_details: { text_tokens: 4, audio_tokens: 10 },
          output_tokens: 8,
          total_tokens: 22,
        };
        running().upstream.answer = streamAnswer([
          event('transcript.text.delta', { delta: 'The Rhine.' }),
          event('transcript.text.done', { text: 'The Rhine.', usage }),
        ]);
        let text = '';
        const asked = { model: 'gpt-4o-transcribe', file: await sound(), stream: true as const };
        for await (const part of await client.audio.transcriptions.create(asked))
          if (part.type === 'transcript.text.delta') text += part.delta;
        expect(text).toBe('The Rhine.');
        expect(await row()).toMatchObject({
          surface: 'openai.transcription',
          outcome: 'ok',
          streamed: true,
          input_tokens: '14',
          output_tokens: '8',
        });
      });
    });
  });
}
