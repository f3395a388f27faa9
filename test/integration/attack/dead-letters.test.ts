// A dead letter keeps the bytes of an event as they were: there is no key in those of any request, so there is none in a letter.
import { encodeUsageEvent, identityHeaders } from '@tokenledger/schemas';
import { request } from 'undici';
import { expect, test } from 'vitest';
import { CHAT_ANSWER, CHAT_REQUEST } from '../../support/provider-answers.ts';
import { runIngress, TEST_KEY, UPSTREAM_CREDENTIAL } from '../../support/running-ingress.ts';
import { scriptedUpstream } from '../../support/scripted-upstream.ts';
import { openPipeline } from '../verify/pipeline.ts';

test('dead letters of requests with keys in every place hold no bytes of one', async () => {
  await using upstream = await scriptedUpstream(
    (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(CHAT_ANSWER),
  );
  await using ingress = await runIngress({ upstreamUrl: upstream.url });
  const bodies = [CHAT_REQUEST, '{', '{"model":"m"}'];
  for (const body of bodies) {
    const headers = {
      'content-type': 'application/json',
      authorization: `Bearer ${TEST_KEY}`,
      'x-api-key': TEST_KEY,
      'api-key': TEST_KEY,
      cookie: TEST_KEY,
      'x-tokenledger-user': 'somebody',
    };
    await (await request(`${ingress.url}/v1/chat/completions?key=${TEST_KEY}`, { method: 'POST', body, headers })).body.dump();
  }
  const events = await ingress.events(bodies.length);
  await using pipeline = await openPipeline();
  // Each cut short, so that nobody can read it.
  await pipeline.publish(
    0,
    events.map((event) => ({
      key: event.attribution.virtualKeyId,
      value: Buffer.from(encodeUsageEvent(event)).subarray(0, -3),
      headers: identityHeaders(event),
    })),
  );
  await pipeline.drain();
  const letters = await pipeline.clickhouse.query<Record<string, unknown>>('SELECT * FROM dead_letters');
  expect(letters).toHaveLength(bodies.length);
  // The bytes of the events are there, whatever they are written in.
  const written = JSON.stringify(letters);
  const bytes = Object.values(letters[0] ?? {}).map((value) => Buffer.from(String(value), 'base64').toString('latin1'));
  expect(written.includes('somebody') || bytes.some((text) => text.includes('somebody'))).toBe(true);
  const everything = [
    written,
    ...letters.flatMap((letter) => Object.values(letter).flatMap((value) => [atob64(value), fromHex(value)])),
  ].join('\n');
  for (const secret of [TEST_KEY, UPSTREAM_CREDENTIAL]) {
    for (let at = 0; at + 12 <= secret.length; at += 6) expect(everything).not.toContain(secret.slice(at, at + 12));
  }
});

const atob64 = (value: unknown): string => Buffer.from(String(value), 'base64').toString('latin1');
const fromHex = (value: unknown): string => Buffer.from(String(value), 'hex').toString('latin1');
