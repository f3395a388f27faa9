// A tenant that brings a new label, feature and model with every request.
import { request } from 'undici';
import { expect, test } from 'vitest';
import { runIngress, TEST_KEY } from '../../support/running-ingress.ts';
import { scriptedUpstream } from '../../support/scripted-upstream.ts';

const OVERFLOW = '(overflow)';
const ENTRIES_MAX = 10;
const REQUESTS = 100;

test('a flood of labels and models is recorded under one name beyond a bound; totals are exact, and providers are asked for what was asked', async () => {
  await using upstream = await scriptedUpstream((response, { body }) => {
    const { model } = JSON.parse(String(body)) as { model: string };
    const usage = { prompt_tokens: 7, completion_tokens: 2, total_tokens: 9 };
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ id: 'a', object: 'chat.completion', model, choices: [{ index: 0, finish_reason: 'stop' }], usage }));
  });
  await using ingress = await runIngress({ upstreamUrl: upstream.url, config: { name_entries_max: ENTRIES_MAX } });
  for (let index = 0; index < REQUESTS; index += 1) {
    const answer = await request(`${ingress.url}/v1/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ model: `model-${index}`, messages: [{ role: 'user', content: 'Hello' }] }),
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${TEST_KEY}`,
        'x-tokenledger-feature': `feature-${index}`,
        'x-tokenledger-labels': `label-${index}=1`,
        'x-tokenledger-user': `user-${index}`,
      },
    });
    expect(await answer.body.json()).toMatchObject({ model: `model-${index}` });
  }
  const events = await ingress.events(REQUESTS);
  const named = (name: (event: (typeof events)[number]) => string): number => new Set(events.map(name)).size;
  expect(named(({ requestedModel }) => requestedModel)).toBe(ENTRIES_MAX + 1);
  expect(named(({ attempts }) => attempts[0]?.servedModel ?? '')).toBe(ENTRIES_MAX + 1);
  expect(named(({ attempts }) => attempts[0]?.requestedModel ?? '')).toBe(ENTRIES_MAX + 1);
  expect(named(({ attribution }) => attribution.feature)).toBe(ENTRIES_MAX + 1);
  expect(new Set(events.flatMap(({ attribution }) => Object.keys(attribution.labels))).size).toBe(ENTRIES_MAX + 1);
  expect(named(({ attribution }) => attribution.userId)).toBe(REQUESTS);
  expect(events.filter(({ requestedModel }) => requestedModel === OVERFLOW)).toHaveLength(REQUESTS - ENTRIES_MAX);
  expect(events.reduce((sum, { attempts }) => sum + (attempts[0]?.usage?.uncached_input ?? 0), 0)).toBe(7 * REQUESTS);
  expect(events.reduce((sum, { attempts }) => sum + (attempts[0]?.usage?.visible_output ?? 0), 0)).toBe(2 * REQUESTS);
  expect(upstream.seen.map(({ body }) => (JSON.parse(String(body)) as { model: string }).model)).toEqual(
    Array.from({ length: REQUESTS }, (_, index) => `model-${index}`),
  );
  const metrics = await ingress.registry.metrics();
  expect(metrics).toContain(`tokenledger_ingress_names_overflowed_total{field="feature"} ${REQUESTS - ENTRIES_MAX}`);
  expect(metrics).toContain(`tokenledger_ingress_names_overflowed_total{field="label"} ${REQUESTS - ENTRIES_MAX}`);
  expect(metrics).not.toContain('model-');
});
