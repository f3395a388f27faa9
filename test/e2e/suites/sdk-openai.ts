/** OpenAI's official package against the running product, changed in nothing but base URL and key. */
import OpenAI from 'openai';
import { beforeAll, describe, expect, test } from 'vitest';
import { rowOf } from '../../support/row.ts';
import { LEDGER_KEY, type LedgerUnderTest } from '../../support/running-ledger.ts';

/** `ledger` stands in front of the provider simulator; it is asked for once the tests run. */
export function openaiSuite(ledger: () => LedgerUnderTest): void {
  describe("OpenAI's package", () => {
    let client: OpenAI;
    beforeAll(() => {
      client = new OpenAI({ baseURL: `${ledger().url}/v1`, apiKey: LEDGER_KEY, maxRetries: 0 });
    });

    const messages = [{ role: 'user' as const, content: 'Name three rivers.' }];

    test('a plain completion', async () => {
      const { data, response } = await client.chat.completions.create({ model: 'gpt-4o-mini', messages }).withResponse();
      expect(data.choices[0]?.message.content).not.toBe('');
      const row = await rowOf(ledger(), response);
      expect(row).toMatchObject({
        outcome: 'ok',
        streamed: false,
        served_model: data.model,
        input_tokens: String(data.usage?.prompt_tokens),
        output_tokens: String(data.usage?.completion_tokens),
        unpriced_reason: '',
      });
      expect(Number(row.cost_usd)).toBeGreaterThan(0);
    });

    test('a stream that does not ask for usage sees none, and is billed all the same', async () => {
      const { data, response } = await client.chat.completions.create({ model: 'gpt-4o-mini', messages, stream: true }).withResponse();
      let text = '';
      for await (const chunk of data) {
        expect(chunk.choices).toHaveLength(1);
        expect(chunk).not.toHaveProperty('usage');
        text += chunk.choices[0]?.delta.content ?? '';
      }
      expect(text).not.toBe('');
      const row = await rowOf(ledger(), response);
      expect(row).toMatchObject({ outcome: 'ok', streamed: true, usage_reason: '', usage_source: 'reported' });
      expect(Number(row.output_tokens)).toBeGreaterThan(0);
    });

    test('a stream that asks for usage gets it, and the row says the same', async () => {
      const asking = { model: 'gpt-4o-mini', messages, stream: true as const, stream_options: { include_usage: true } };
      const { data, response } = await client.chat.completions.create(asking).withResponse();
      let usage: OpenAI.CompletionUsage | null | undefined;
      for await (const chunk of data) usage = chunk.usage ?? usage;
      const row = await rowOf(ledger(), response);
      expect(row).toMatchObject({ input_tokens: String(usage?.prompt_tokens), output_tokens: String(usage?.completion_tokens) });
    });

    test('tool calls', async () => {
      const tools = [
        {
          type: 'function' as const,
          function: { name: 'river_length', parameters: { type: 'object', properties: { name: { type: 'string' } } } },
        },
      ];
      const { data, response } = await client.chat.completions.create({ model: 'gpt-4o', messages, tools }).withResponse();
      expect(data.choices[0]?.message.tool_calls?.[0]).toMatchObject({ type: 'function', function: { name: 'river_length' } });
      expect(await rowOf(ledger(), response)).toMatchObject({ outcome: 'ok', finish_reason: 'tool_calls' });
    });

    test("the provider's error is the SDK's error, and a row", async () => {
      const failing = client.chat.completions.create({ model: 'gpt-4o-mini', messages }, { headers: { 'x-sim-script': '{"status":429}' } });
      const error = await failing.then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(OpenAI.RateLimitError);
      const { headers } = error as InstanceType<typeof OpenAI.RateLimitError>;
      expect(await rowOf(ledger(), { headers: headers })).toMatchObject({
        outcome: 'upstream_error',
        http_status: 429,
        input_tokens: null,
        cost_usd: null,
      });
    });

    test('an unknown key is an authentication error', async () => {
      const stranger = new OpenAI({ baseURL: `${ledger().url}/v1`, apiKey: 'tl-nobody-knows-this-key-at-all', maxRetries: 0 });
      await expect(stranger.chat.completions.create({ model: 'gpt-4o-mini', messages })).rejects.toThrow(OpenAI.AuthenticationError);
    });

    test('a stream that the client aborts is read to its end and billed', async () => {
      const script = { headers: { 'x-sim-script': '{"chunks":40,"chunk_delay_ms":5}' } };
      const { data, response } = await client.chat.completions
        .create({ model: 'gpt-4o-mini', messages, stream: true }, script)
        .withResponse();
      for await (const chunk of data) if ((chunk.choices[0]?.delta.content ?? '') !== '') break;
      data.controller.abort();
      const row = await rowOf(ledger(), response);
      expect(row).toMatchObject({ outcome: 'client_aborted', usage_source: 'reported' });
      expect(Number(row.output_tokens)).toBeGreaterThan(0);
    });

    test('a list of models', async () => {
      const names: string[] = [];
      for await (const model of client.models.list()) names.push(model.id);
      expect(names).toContain('gpt-4o-mini');
    });
  });
}
