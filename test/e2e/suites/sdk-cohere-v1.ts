/** The first version of Cohere's API, by its official package against the running product. */
import { CohereClient } from 'cohere-ai';
import { beforeAll, describe, expect, test } from 'vitest';
import type { ScriptedLedger } from '../../support/ledger-on-script.ts';
import { type EventRow, rowOfAttempt } from '../../support/row.ts';
import { LEDGER_KEY } from '../../support/running-ledger.ts';
import { jsonAnswer, streamAnswer } from '../../support/scripted-answers.ts';

const MODEL = 'command-a-03-2025';
const META = {
  api_version: { version: '1' },
  billed_units: { input_tokens: 5, output_tokens: 9 },
  tokens: { input_tokens: 501, output_tokens: 12 },
};
const TOTALS = { input_tokens: '5', output_tokens: '9', usage_reason: '' };
const ANSWER = { response_id: 'r-1', generation_id: 'g-1', text: 'Rhine', finish_reason: 'COMPLETE', meta: META };

const line = (value: object): string => `${JSON.stringify(value)}\n`;
const STREAM = [
  line({ is_finished: false, event_type: 'stream-start', generation_id: 'g-1' }),
  line({ is_finished: false, event_type: 'text-generation', text: 'Rhi' }),
  line({ is_finished: false, event_type: 'text-generation', text: 'ne' }),
  line({ is_finished: true, event_type: 'stream-end', finish_reason: 'COMPLETE', response: ANSWER }),
];

/** `running` stands in front of a provider that a test scripts. */
export function cohereV1Suite(running: () => ScriptedLedger): void {
  describe("Cohere's package, first version", () => {
    let client: CohereClient;
    beforeAll(() => {
      client = new CohereClient({ token: LEDGER_KEY, baseUrl: running().ledger.url, maxRetries: 0 });
    });

    const row = (): Promise<EventRow> => rowOfAttempt(running().ledger, running().upstream.seen.at(-1));

    test('a plain answer', async () => {
      running().upstream.answer = jsonAnswer(ANSWER);
      const answer = await client.chat({ model: MODEL, message: 'A river?' });
      expect(answer.text).toBe('Rhine');
      expect(await row()).toMatchObject({ surface: 'cohere.chat', outcome: 'ok', streamed: false, finish_reason: 'COMPLETE', ...TOTALS });
    });

    test('a request that names no model leaves a row without one', async () => {
      running().upstream.answer = jsonAnswer(ANSWER);
      await client.chat({ message: 'A river?' });
      expect(await row()).toMatchObject({ outcome: 'ok', requested_model: '', cost_usd: null, ...TOTALS });
    });

    test('a stream of one text a line', async () => {
      running().upstream.answer = streamAnswer(STREAM, { contentType: 'application/stream+json' });
      let text = '';
      for await (const event of await client.chatStream({ model: MODEL, message: 'A river?' })) {
        if (event.eventType === 'text-generation') text += event.text;
      }
      expect(text).toBe('Rhine');
      expect(await row()).toMatchObject({ surface: 'cohere.chat', outcome: 'ok', streamed: true, finish_reason: 'COMPLETE', ...TOTALS });
    });

    test('a completion of a prompt', async () => {
      const generations = [{ id: 'g-1', text: 'Rhine', finish_reason: 'COMPLETE' }];
      running().upstream.answer = jsonAnswer({ id: 'r-2', prompt: 'A river:', generations, meta: META });
      // oxlint-disable-next-line typescript/no-deprecated -- whoever still asks that way is served
      const answer = await client.generate({ model: 'command', prompt: 'A river:' });
      expect(answer.generations[0]?.text).toBe('Rhine');
      expect(await row()).toMatchObject({ surface: 'cohere.generate', outcome: 'ok', requested_model: 'command', ...TOTALS });
    });
  });
}
