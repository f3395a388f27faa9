/** Amazon's official package against the running product, changed in nothing but endpoint, key and protocol: it speaks HTTP/2 unless told otherwise. */
import {
  type BedrockRuntimeClientConfig,
  BedrockRuntimeClient,
  ConverseCommand,
  type ConverseCommandInput,
  ConverseStreamCommand,
  CountTokensCommand,
  InvokeModelCommand,
  InvokeModelWithResponseStreamCommand,
  ThrottlingException,
} from '@aws-sdk/client-bedrock-runtime';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { beforeAll, describe, expect, test } from 'vitest';
import { type AwsKey, signatureFault } from '../../support/aws-signature.ts';
import { EVENT_STREAM_TYPE, modelChunk, streamEvent, streamException } from '../../support/event-stream.ts';
import type { ScriptedLedger } from '../../support/ledger-on-script.ts';
import { type EventRow, rowOfAttempt } from '../../support/row.ts';
import { LEDGER_KEY } from '../../support/running-ledger.ts';
import { jsonAnswer, streamAnswer } from '../../support/scripted-answers.ts';
import type { AnswerScript } from '../../support/scripted-upstream.ts';

const AWS_KEY: AwsKey = {
  accessKeyId: 'AKIAE2EUPSTREAMEXAMPLE',
  secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
  sessionToken: 'IQoJb3JpZ2luX2VjE2E=',
};
/** What the channel's credential stands for. */
export const AWS_SECRET = JSON.stringify({
  access_key_id: AWS_KEY.accessKeyId,
  secret_access_key: AWS_KEY.secretAccessKey,
  session_token: AWS_KEY.sessionToken,
});
export const AWS_REGION = 'eu-central-1';

const NOVA = 'amazon.nova-lite-v1:0';
const PROFILE = 'arn:aws:bedrock:eu-central-1:012345678901:inference-profile/eu.anthropic.claude-haiku-4-5-20251001-v1:0';
/** The cache stands beside the input. */
const USAGE = { inputTokens: 16, outputTokens: 9, totalTokens: 29, cacheReadInputTokens: 4, cacheWriteInputTokens: 0 };
const TOTALS = { input_tokens: '20', output_tokens: '9', uncached_input_tokens: '16', cache_read_tokens: '4' };
const METRICS = {
  'amazon-bedrock-invocationMetrics': { inputTokenCount: 28, outputTokenCount: 197, invocationLatency: 9, firstByteLatency: 8 },
};
const COUNTED = { input_tokens: '28', output_tokens: '197', usage_source: 'reported' };

const FRAMES = [
  streamEvent('messageStart', { role: 'assistant' }),
  streamEvent('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'Rhine' } }),
  ...Array.from({ length: 20 }, () => streamEvent('contentBlockDelta', { contentBlockIndex: 0, delta: { text: ', and so on' } })),
  streamEvent('contentBlockStop', { contentBlockIndex: 0 }),
  streamEvent('messageStop', { stopReason: 'end_turn' }),
  streamEvent('metadata', { usage: USAGE, metrics: { latencyMs: 5 } }),
];

function message(content: readonly unknown[], stopReason: string): AnswerScript {
  return jsonAnswer({ output: { message: { role: 'assistant', content } }, stopReason, usage: USAGE, metrics: { latencyMs: 5 } });
}

function stream(frames: readonly Buffer[], timing: { readonly delayMs?: number; readonly pause?: Promise<unknown> } = {}): AnswerScript {
  return streamAnswer(frames, { contentType: EVENT_STREAM_TYPE, ...timing });
}

/** `running` stands in front of a provider that a test scripts, with a channel whose credential is `AWS_SECRET`. */
export function bedrockSuite(running: () => ScriptedLedger): void {
  const clientOf = (config: BedrockRuntimeClientConfig): BedrockRuntimeClient =>
    new BedrockRuntimeClient({
      region: 'us-east-1',
      endpoint: running().ledger.url,
      requestHandler: new NodeHttpHandler(),
      maxAttempts: 1,
      ...config,
    });
  const row = (): Promise<EventRow> => rowOfAttempt(running().ledger, running().upstream.seen.at(-1));
  /** Whether what the provider was sent last is signed for the channel, whatever the client signed. */
  const lastFault = (): string => {
    const sent = running().upstream.seen.at(-1);
    return sent === undefined ? 'nothing was sent' : signatureFault(sent, AWS_KEY, AWS_REGION, 'bedrock');
  };

  describe.each([
    ['a key that is sent', { token: { token: LEDGER_KEY }, authSchemePreference: ['httpBearerAuth'] }],
    ['a key that signs', { credentials: { accessKeyId: LEDGER_KEY, secretAccessKey: 'unused', sessionToken: 'unused' } }],
  ])("Amazon's package with %s", (_, config) => {
    let client: BedrockRuntimeClient;
    beforeAll(() => {
      client = clientOf(config);
    });

    const ask = (input: Partial<ConverseCommandInput> = {}): ConverseCommandInput => ({
      modelId: NOVA,
      messages: [{ role: 'user', content: [{ text: 'Name three rivers.' }] }],
      ...input,
    });

    test('a conversation', async () => {
      running().upstream.answer = message([{ text: 'Rhine' }], 'end_turn');
      const answer = await client.send(new ConverseCommand(ask()));
      expect(answer.output?.message?.content?.[0]?.text).toBe('Rhine');
      expect(answer.usage).toMatchObject(USAGE);
      expect(lastFault()).toBe('');
      expect(await row()).toMatchObject({
        surface: 'bedrock.converse',
        provider: 'bedrock',
        outcome: 'ok',
        streamed: false,
        requested_model: NOVA,
        served_model: '',
        finish_reason: 'end_turn',
        ...TOTALS,
      });
    });

    test('a conversation that streams', async () => {
      running().upstream.answer = stream(FRAMES);
      const answer = await client.send(new ConverseStreamCommand(ask()));
      let text = '';
      for await (const event of answer.stream ?? []) text += event.contentBlockDelta?.delta?.text ?? '';
      expect(text).toMatch(/^Rhine.*and so on$/);
      expect(lastFault()).toBe('');
      expect(await row()).toMatchObject({ surface: 'bedrock.converse', outcome: 'ok', streamed: true, requested_model: NOVA, ...TOTALS });
    });

    test('a model that is named by the ARN of a profile', async () => {
      running().upstream.answer = message([{ text: 'Rhine' }], 'end_turn');
      await client.send(new ConverseCommand(ask({ modelId: PROFILE })));
      expect(running().upstream.seen.at(-1)?.url).toBe(`/model/${encodeURIComponent(PROFILE)}/converse`);
      expect(lastFault()).toBe('');
      expect(await row()).toMatchObject({ requested_model: PROFILE, ...TOTALS });
    });

    test('tool calls', async () => {
      const toolUse = { toolUseId: 'tool-1', name: 'river_length', input: { name: 'Rhine' } };
      running().upstream.answer = message([{ toolUse }], 'tool_use');
      const inputSchema = { json: { type: 'object', properties: { name: { type: 'string' } } } };
      const answer = await client.send(
        new ConverseCommand(ask({ toolConfig: { tools: [{ toolSpec: { name: 'river_length', inputSchema } }] } })),
      );
      expect(answer.output?.message?.content?.[0]?.toolUse).toMatchObject(toolUse);
      expect(await row()).toMatchObject({ outcome: 'ok', finish_reason: 'tool_use', ...TOTALS });
    });

    test('an invoked model that is counted by headers', async () => {
      running().upstream.answer = (response) => {
        const counts = { 'x-amzn-bedrock-input-token-count': '28', 'x-amzn-bedrock-output-token-count': '197' };
        response.writeHead(200, { 'content-type': 'application/json', ...counts });
        response.end(
          JSON.stringify({ inputTextTokenCount: 28, results: [{ tokenCount: 197, outputText: 'Rhine', completionReason: 'FINISH' }] }),
        );
      };
      const body = JSON.stringify({ inputText: 'Name three rivers.' });
      const answer = await client.send(
        new InvokeModelCommand({ modelId: 'amazon.titan-text-lite-v1', contentType: 'application/json', body }),
      );
      expect(answer.body.transformToString()).toContain('Rhine');
      expect(lastFault()).toBe('');
      expect(await row()).toMatchObject({ surface: 'bedrock.invoke', outcome: 'ok', streamed: false, finish_reason: 'FINISH', ...COUNTED });
    });

    test('an invoked model whose stream ends with its metrics', async () => {
      running().upstream.answer = stream([
        modelChunk({ generation: 'Rhine', stop_reason: null }),
        modelChunk({ generation: '', stop_reason: 'stop', ...METRICS }),
      ]);
      const body = JSON.stringify({ prompt: 'Name three rivers.' });
      const command = new InvokeModelWithResponseStreamCommand({
        modelId: 'meta.llama3-70b-instruct-v1:0',
        contentType: 'application/json',
        body,
      });
      const answer = await client.send(command);
      const chunks: string[] = [];
      for await (const event of answer.body ?? []) chunks.push(Buffer.from(event.chunk?.bytes ?? []).toString());
      expect(JSON.parse(chunks[0] ?? '')).toMatchObject({ generation: 'Rhine' });
      expect(chunks.length).toBe(2);
      expect(lastFault()).toBe('');
      expect(await row()).toMatchObject({ surface: 'bedrock.invoke', outcome: 'ok', streamed: true, finish_reason: 'stop', ...COUNTED });
    });

    test("the provider's error is the SDK's error, and a row", async () => {
      running().upstream.answer = (response) => {
        response.writeHead(429, { 'content-type': 'application/json', 'x-amzn-errortype': 'ThrottlingException' });
        response.end('{"message":"too many requests"}');
      };
      const error = await client.send(new ConverseCommand(ask())).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ThrottlingException);
      expect(await row()).toMatchObject({
        outcome: 'upstream_error',
        http_status: 429,
        input_tokens: null,
        usage_reason: 'upstream_error',
      });
    });

    test("an exception in a stream is the SDK's exception, and a row", async () => {
      running().upstream.answer = stream([...FRAMES.slice(0, 2), streamException('throttlingException', { message: 'slow down' })]);
      const answer = await client.send(new ConverseStreamCommand(ask()));
      const read = async (): Promise<void> => {
        for await (const event of answer.stream ?? []) expect(event).toBeDefined();
      };
      await expect(read()).rejects.toBeInstanceOf(ThrottlingException);
      expect(await row()).toMatchObject({
        outcome: 'upstream_error',
        http_status: 200,
        input_tokens: null,
        usage_reason: 'upstream_error',
      });
    });

    test('a stream that the client aborts is read to its end and billed', async () => {
      const left = Promise.withResolvers<void>();
      running().upstream.answer = stream(FRAMES, { delayMs: 5, pause: left.promise });
      const stop = new AbortController();
      const answer = await client.send(new ConverseStreamCommand(ask()), { abortSignal: stop.signal });
      const read = async (): Promise<void> => {
        for await (const event of answer.stream ?? []) if (event.contentBlockDelta !== undefined) stop.abort();
      };
      await read().catch((error: unknown) => expect(String(error)).toMatch(/abort/i));
      left.resolve();
      expect(await row()).toMatchObject({ outcome: 'client_aborted', usage_source: 'reported', ...TOTALS });
    });

    test('counting tokens is free, and signed all the same', async () => {
      running().upstream.answer = jsonAnswer({ inputTokens: 12 });
      const answer = await client.send(new CountTokensCommand({ modelId: NOVA, input: { converse: { messages: ask().messages } } }));
      expect(answer.inputTokens).toBe(12);
      expect(lastFault()).toBe('');
    });
  });

  test('a refusal of ours is an error of the SDK', async () => {
    const client = clientOf({ token: { token: 'tl-unknown' }, authSchemePreference: ['httpBearerAuth'] });
    const error = await client.send(new ConverseCommand({ modelId: NOVA, messages: [] })).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'AccessDeniedException', message: expect.stringContaining('KEY_UNKNOWN') as unknown });
  });
}
