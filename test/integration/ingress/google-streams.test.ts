/** Streams of Google's, whose every piece repeats the usage until then. */
import { request } from 'undici';
import { expect, test } from 'vitest';
import { runIngress, TEST_KEY } from '../../support/running-ingress.ts';
import { frame } from '../../support/scripted-answers.ts';
import { scriptedUpstream } from '../../support/scripted-upstream.ts';

const PIECE = {
  candidates: [{ content: { role: 'model', parts: [{ text: 'Rhine, ' }] }, index: 0 }],
  usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 2, totalTokenCount: 9, serviceTier: 'standard' },
  modelVersion: 'gemini-2.5-flash',
};
const ROUTE = '/v1beta/models/gemini-flash-latest:streamGenerateContent';
const STREAMS = [
  { name: 'of events', path: `${ROUTE}?alt=sse`, contentType: 'text/event-stream', bytes: frame(PIECE) + frame(PIECE) },
  { name: 'that is an array', path: ROUTE, contentType: 'application/json', bytes: `[${JSON.stringify(PIECE)},${JSON.stringify(PIECE)}` },
] as const;

const ask = (url: string, path: string) =>
  request(url + path, {
    method: 'POST',
    headers: { 'x-goog-api-key': TEST_KEY, 'content-type': 'application/json' },
    body: '{"contents":[{"role":"user","parts":[{"text":"Name rivers."}]}]}',
  });

test.each(STREAMS)('a stream $name that breaks has no usage, whatever it stated until then', async ({ path, contentType, bytes }) => {
  await using upstream = await scriptedUpstream((response) => {
    response.writeHead(200, { 'content-type': contentType });
    response.write(bytes, () => response.destroy());
  });
  await using ingress = await runIngress({ upstreamUrl: upstream.url, channels: [{ id: 'google', provider: 'google' }] });
  const answer = await ask(ingress.url, path);
  await expect(answer.body.text()).rejects.toThrow(/terminated|closed|aborted/);
  const [event] = await ingress.events(1);
  expect(event).toMatchObject({ outcome: 'upstream_error', httpStatus: 200, servedModel: 'gemini-2.5-flash', serviceTier: 'standard' });
  expect(event?.attempts[0]).toMatchObject({ usage: null, usageReason: 'cut_off', rawUsage: JSON.stringify(PIECE.usageMetadata) });
});

test('one that ends in good order without a finish has what its last piece states, flagged', async () => {
  await using upstream = await scriptedUpstream((response) => {
    response.writeHead(200, { 'content-type': STREAMS[0].contentType });
    response.end(STREAMS[0].bytes);
  });
  await using ingress = await runIngress({ upstreamUrl: upstream.url, channels: [{ id: 'google', provider: 'google' }] });
  const answer = await ask(ingress.url, STREAMS[0].path);
  expect(await answer.body.text()).toBe(STREAMS[0].bytes);
  const [event] = await ingress.events(1);
  expect(event).toMatchObject({ outcome: 'upstream_error', errorClass: 'answer_incomplete' });
  expect(event?.attempts[0]).toMatchObject({ usage: { uncached_input: 7, visible_output: 2 }, usageFlags: ['unfinished'] });
});
