/** Channels by their names, calls that cost nothing, and what is no surface: as clients see them, and as rows. */
import OpenAI from 'openai';
import { expect, test } from 'vitest';
import type { ScriptedLedger } from '../../support/ledger-on-script.ts';
import { rowOf } from '../../support/row.ts';
import { LEDGER_KEY } from '../../support/running-ledger.ts';
import { bytesAnswer, jsonAnswer } from '../../support/scripted-answers.ts';

const COMPLETION = {
  id: 'chatcmpl-1',
  object: 'chat.completion',
  model: 'glm-4.6',
  choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: 'Hello' } }],
  usage: { prompt_tokens: 5, completion_tokens: 2, total_tokens: 7 },
};

interface AskInit {
  readonly method?: string;
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** `running` stands in front of a provider that a test scripts: its channels are `openai`, and `zai` with the base path `/api`. */
export function channelPathsSuite(running: () => ScriptedLedger): void {
  const ask = (path: string, init: AskInit = {}): Promise<Response> =>
    fetch(running().ledger.url + path, { ...init, headers: { authorization: `Bearer ${LEDGER_KEY}`, ...init.headers } });

  test('a client whose base URL names a channel is served by that one', async () => {
    const { ledger, upstream } = running();
    upstream.answer = jsonAnswer(COMPLETION);
    const client = new OpenAI({ apiKey: LEDGER_KEY, baseURL: `${ledger.url}/channels/zai/coding/paas/v4`, maxRetries: 0 });
    const { data, response } = await client.chat.completions
      .create({ model: 'glm-4.6', messages: [{ role: 'user', content: 'Hi' }] })
      .withResponse();
    expect(data.choices[0]?.message.content).toBe('Hello');
    expect(upstream.seen.at(-1)?.url).toBe('/api/coding/paas/v4/chat/completions');
    expect(await rowOf(ledger, response)).toMatchObject({
      surface: 'openai.chat',
      provider: 'zai',
      channel_id: 'zai',
      outcome: 'ok',
      input_tokens: '5',
      output_tokens: '2',
    });
  });

  test('what is no surface passes unread, and is a row without usage that says why', async () => {
    const { ledger, upstream } = running();
    const video = Buffer.from([0, 1, 2, 255]);
    upstream.answer = bytesAnswer(video, 'video/mp4');
    const answer = await ask('/channels/openai/v1/videos/video_1/content', { method: 'GET' });
    expect(Buffer.from(await answer.arrayBuffer())).toEqual(video);
    expect(await rowOf(ledger, answer)).toMatchObject({
      surface: 'unknown',
      provider: 'openai',
      channel_id: 'openai',
      outcome: 'ok',
      http_status: 200,
      usage_reason: 'surface_unknown',
      usage_source: 'none',
      input_tokens: null,
      output_tokens: null,
      cost_usd: null,
    });
  });

  test('calls that cost nothing leave no row', async () => {
    const { ledger, upstream } = running();
    upstream.answer = jsonAnswer({ object: 'list', data: [] });
    const before = await countOf(ledger);
    for (const path of ['/v1/models', '/channels/zai/paas/v4/models', '/v1/files/file-1']) expect((await ask(path)).status).toBe(200);
    const moderation = { method: 'POST', body: '{"input":"a"}', headers: { 'content-type': 'application/json' } };
    expect((await ask('/v1/moderations', moderation)).status).toBe(200);
    upstream.answer = jsonAnswer(COMPLETION);
    const billed = await ask('/v1/chat/completions', { ...moderation, body: '{"model":"gpt-5-mini","messages":[]}' });
    await rowOf(ledger, billed);
    expect(await countOf(ledger)).toBe(before + 1);
  });
}

async function countOf({ clickhouse }: ScriptedLedger['ledger']): Promise<number> {
  const [row] = await clickhouse.query<{ rows: string }>('SELECT count() AS rows FROM usage_events');
  return Number(row?.rows);
}
