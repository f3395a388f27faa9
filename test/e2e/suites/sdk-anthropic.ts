/** Anthropic's official package against the running product, changed in nothing but base URL and key. */
import Anthropic from '@anthropic-ai/sdk';
import { beforeAll, describe, expect, test } from 'vitest';
import { rowOf } from '../../support/row.ts';
import { LEDGER_KEY, type LedgerUnderTest } from '../../support/running-ledger.ts';

/** `ledger` stands in front of the provider simulator; it is asked for once the tests run. */
export function anthropicSuite(ledger: () => LedgerUnderTest): void {
  describe("Anthropic's package", () => {
    let client: Anthropic;
    beforeAll(() => {
      client = new Anthropic({ baseURL: ledger().url, apiKey: LEDGER_KEY, maxRetries: 0 });
    });

    const asked = { model: 'claude-sonnet-5-5', max_tokens: 200, messages: [{ role: 'user' as const, content: 'Name three rivers.' }] };

    /** The provider states cache reads and writes outside `input_tokens`; ours is the sum. */
    function inclusiveInput(usage: Anthropic.Usage): string {
      return String(usage.input_tokens + (usage.cache_read_input_tokens ?? 0) + (usage.cache_creation_input_tokens ?? 0));
    }

    test('a plain message', async () => {
      const { data, response } = await client.messages.create(asked).withResponse();
      const row = await rowOf(ledger(), response);
      expect(row).toMatchObject({
        outcome: 'ok',
        streamed: false,
        served_model: data.model,
        input_tokens: inclusiveInput(data.usage),
        output_tokens: String(data.usage.output_tokens),
        unpriced_reason: '',
      });
      expect(Number(row.cost_usd)).toBeGreaterThan(0);
    });

    test('a stream', async () => {
      const stream = client.messages.stream(asked);
      const message = await stream.finalMessage();
      const { response } = await stream.withResponse();
      expect(await rowOf(ledger(), response)).toMatchObject({
        outcome: 'ok',
        streamed: true,
        input_tokens: inclusiveInput(message.usage),
        output_tokens: String(message.usage.output_tokens),
      });
    });

    test('tool calls', async () => {
      const tools = [{ name: 'river_length', input_schema: { type: 'object' as const, properties: { name: { type: 'string' } } } }];
      const { data, response } = await client.messages.create({ ...asked, tools }).withResponse();
      expect(data.content.find((block) => block.type === 'tool_use')).toMatchObject({ name: 'river_length' });
      expect(await rowOf(ledger(), response)).toMatchObject({ outcome: 'ok', finish_reason: 'tool_use' });
    });

    test("the provider's error is the SDK's error, and a row", async () => {
      const failing = client.messages.create(asked, { headers: { 'x-sim-script': '{"status":529}' } });
      const error = await failing.then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      expect(error).toBeInstanceOf(Anthropic.APIError);
      const { headers } = error as InstanceType<typeof Anthropic.APIError>;
      expect(await rowOf(ledger(), { headers: headers as Headers })).toMatchObject({
        outcome: 'upstream_error',
        http_status: 529,
        input_tokens: null,
        cost_usd: null,
      });
    });

    test('an unknown key is an authentication error', async () => {
      const stranger = new Anthropic({ baseURL: ledger().url, apiKey: 'tl-nobody-knows-this-key-at-all', maxRetries: 0 });
      await expect(stranger.messages.create(asked)).rejects.toThrow(Anthropic.AuthenticationError);
    });

    test('a stream that the client aborts is read to its end and billed', async () => {
      const script = { headers: { 'x-sim-script': '{"chunks":40,"chunk_delay_ms":5}' } };
      const { data, response } = await client.messages.create({ ...asked, stream: true }, script).withResponse();
      for await (const event of data) if (event.type === 'content_block_delta') break;
      data.controller.abort();
      const row = await rowOf(ledger(), response);
      expect(row).toMatchObject({ outcome: 'client_aborted', usage_source: 'reported' });
      expect(Number(row.output_tokens)).toBeGreaterThan(0);
    });
  });
}
