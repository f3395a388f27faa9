// Requests for models that are retired or not known: they pass, and are flagged.
import { parseCatalogue } from '@tokenledger/catalogue';
import { isRejected } from '@tokenledger/domain';
import { request } from 'undici';
import { expect, test } from 'vitest';
import { CHAT_ANSWER } from '../../support/provider-answers.ts';
import { runIngress, TEST_KEY } from '../../support/running-ingress.ts';
import { scriptedUpstream } from '../../support/scripted-upstream.ts';

const catalogue = parseCatalogue(`
sources: { page: { url: 'https://example.com', date: 2026-01-01 } }
providers: { openai: { complete: true } }
models:
  - { provider: openai, model: gpt-4o-mini, sources: [page] }
  - { provider: openai, model: gone, retired: 2020-01-01, sources: [page] }
`);

test('a retired or an unknown model passes, and its attempt says so', async () => {
  if (isRejected(catalogue)) throw new Error(catalogue.message);
  await using upstream = await scriptedUpstream((response, { body }) => {
    const { model } = JSON.parse(body.toString()) as { model: string };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(CHAT_ANSWER.replace('gpt-4o-mini-2024-07-18', model === 'an-alias' ? 'gpt-4o-mini-2024-07-18' : model));
  });
  await using ingress = await runIngress({ upstreamUrl: upstream.url, catalogue });
  for (const model of ['gpt-4o-mini', 'gone', 'ft:gone:acme::1', 'nobody-knows', 'an-alias']) {
    const answer = await request(`${ingress.url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ model, messages: [{ role: 'user', content: 'Hi' }] }),
      headers: { 'content-type': 'application/json', authorization: `Bearer ${TEST_KEY}` },
    });
    await answer.body.dump();
    expect(answer.statusCode).toBe(200);
  }
  const events = await ingress.events(5);
  expect(events.map(({ requestedModel, attempts }) => [requestedModel, attempts[0]?.usageFlags])).toEqual([
    ['gpt-4o-mini', []],
    ['gone', ['model_retired']],
    ['ft:gone:acme::1', ['model_retired']],
    ['nobody-knows', ['model_unknown']],
    ['an-alias', []],
  ]);
  expect(events.every(({ attempts }) => attempts[0]?.usage !== null && attempts[0]?.usageSource === 'reported')).toBe(true);
});
