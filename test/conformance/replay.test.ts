/** The provider and the client of a conformance run, with nothing between them: what the client must notice when something is. */
import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { CHAT_REQUEST, chatFrames } from '../support/provider-answers.ts';
import { CHUNKINGS } from './support/chunkings.ts';
import type { Recording } from './support/recording.ts';
import { replay } from './support/replay-client.ts';
import { replayServer, wireBody } from './support/replay-server.ts';

function recordingOf(body: Buffer, fields: Partial<Recording> = {}): Recording {
  const contentType = 'text/event-stream';
  return {
    id: 'a',
    file: 'a.jsonl',
    provider: 'openai',
    host: 'api.openai.com',
    kind: 'chat',
    method: 'POST',
    path: '/v1/chat/completions?beta=true',
    requestHeaders: { 'content-type': 'application/json' },
    requestBody: CHAT_REQUEST,
    status: 200,
    responseHeaders: { 'content-type': contentType },
    contentType,
    contentEncoding: '',
    responseBody: body.toString(),
    responseBytes: body,
    streaming: true,
    isError: false,
    expected: { model: null, model_requested: null, usage_present: false },
    ...fields,
  };
}

/** `sent`: what the provider answers with; `held`: what the client holds it against. By the name of the chunking. */
async function replayed(sent: Recording, held: Recording): Promise<Readonly<Record<string, readonly string[]>>> {
  await using upstream = await replayServer([sent], CHUNKINGS);
  const exchanges = CHUNKINGS.map((chunking) => ({ recording: held, chunking }));
  const pathOf = (recording: Recording): string => recording.path;
  const found = await replay(exchanges, { url: upstream.url, key: 'none', pathOf, seen: upstream.seen });
  return Object.fromEntries(found.map(({ chunking, differences }) => [chunking.name, differences]));
}

const STREAM = Buffer.from(chatFrames(true).join(''));
const NONE = Object.fromEntries(CHUNKINGS.map(({ name }) => [name, []]));

describe('an exchange passes in every chunking', () => {
  test('when it is a stream', async () => {
    expect(await replayed(recordingOf(STREAM), recordingOf(STREAM))).toEqual(NONE);
  });

  test('when it is encoded', async () => {
    const responseHeaders = { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' };
    const encoded = recordingOf(STREAM, { contentEncoding: 'gzip', responseHeaders });
    expect(wireBody(encoded).equals(gzipSync(STREAM))).toBe(true);
    expect(await replayed(encoded, encoded)).toEqual(NONE);
  });

  test('when it is no stream, and when it has no body', async () => {
    const plain = recordingOf(STREAM, { streaming: false });
    expect(await replayed(plain, plain)).toEqual(NONE);
    const empty = recordingOf(Buffer.alloc(0), { streaming: false });
    expect(await replayed(empty, empty)).toEqual(NONE);
  });
});

describe('the client notices, in every chunking,', () => {
  const held = recordingOf(STREAM);
  test.each<[what: string, sent: Recording, told: RegExp]>([
    ['a byte that changed', recordingOf(Buffer.from(STREAM.toString().replace('Hello', 'Hallo'))), /^the body differs: data: /],
    ['an end that is missing', recordingOf(STREAM.subarray(0, -1)), /^the body differs/],
    ['another status', recordingOf(STREAM, { status: 201 }), /^the status is 201, not 200$/],
    [
      'another header',
      recordingOf(STREAM, { responseHeaders: { 'content-type': 'text/plain' } }),
      /^the header content-type is text\/plain/,
    ],
    ['that the provider did not know it', recordingOf(STREAM, { id: 'b' }), /^the provider was not asked$/],
  ])('%s', async (_, sent, told) => {
    const found = await replayed(sent, held);
    for (const { name } of CHUNKINGS)
      expect({ name, differences: found[name] }).toEqual({ name, differences: expect.arrayContaining([expect.stringMatching(told)]) });
  });
});
