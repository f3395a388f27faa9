// One connection never carries a request that the ingress and the provider would cut in different places, and what comes one after the other is never mixed up.
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHAT_ANSWER, CHAT_REQUEST } from '../../support/provider-answers.ts';
import { rawClient } from '../../support/raw-client.ts';
import { type RunningIngress, runIngress, TEST_KEY } from '../../support/running-ingress.ts';
import { scriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';
import { waitFor } from '../../support/wait-for.ts';

const answerChat = (upstream: ScriptedUpstream): void => {
  upstream.answer = (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(CHAT_ANSWER);
};

let upstream: ScriptedUpstream;
let ingress: RunningIngress;
beforeAll(async () => {
  upstream = await scriptedUpstream(() => undefined);
  answerChat(upstream);
  ingress = await runIngress({ upstreamUrl: upstream.url });
});
afterAll(async () => {
  await ingress[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

const PATH = '/v1/chat/completions';
const head = (lines: readonly string[], path = PATH): string =>
  [`POST ${path} HTTP/1.1`, 'host: x', `authorization: Bearer ${TEST_KEY}`, 'content-type: application/json', ...lines, '', ''].join(
    '\r\n',
  );
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`;
const LENGTH = `content-length: ${CHAT_REQUEST.length}`;
const CHUNKED = 'transfer-encoding: chunked';
const WHOLE = head([LENGTH]) + CHAT_REQUEST;
/** What would be a second request, were the first one cut elsewhere. */
const SMUGGLED = WHOLE.replace('"Hi"', '"smuggled"').replace(LENGTH, `content-length: ${CHAT_REQUEST.length + 6}`);
const CHUNKS = `${chunk(CHAT_REQUEST)}0\r\n\r\n`;

describe('refused with 400, the connection closed, and nothing sent on', () => {
  test.each([
    ['a length and chunks', head([LENGTH, CHUNKED]) + CHUNKS],
    ['chunks and a length', head([CHUNKED, 'content-length: 4']) + CHUNKS],
    ['chunks, and a length of nothing', head(['content-length: 0', CHUNKED]) + CHUNKS],
    ['two lengths that differ', head([LENGTH, 'content-length: 0']) + CHAT_REQUEST],
    ['two lengths that are the same', head([LENGTH, LENGTH]) + CHAT_REQUEST],
    ['two lengths in one header', head([`${LENGTH}, ${CHAT_REQUEST.length}`]) + CHAT_REQUEST],
    ['a length with a sign', head([LENGTH.replace(': ', ': +')]) + CHAT_REQUEST],
    ['a length below nothing', head(['content-length: -1']) + CHAT_REQUEST],
    ['a length in hexadecimal digits', head(['content-length: 0x20']) + CHAT_REQUEST],
    ['a length beyond all numbers', head(['content-length: 99999999999999999999999']) + CHAT_REQUEST],
    ['a length that is no number', head(['content-length: ten']) + CHAT_REQUEST],
    ['a length before which a space stands', head([LENGTH.replace(':', ' :')]) + CHAT_REQUEST],
    ['chunks before which a space stands', head([CHUNKED.replace(':', ' :')]) + CHUNKS],
    ['a header before which a space stands', head([` ${CHUNKED}`, LENGTH]) + CHAT_REQUEST],
    ['a folded header', head(['x-folded: a\r\n b', LENGTH]) + CHAT_REQUEST],
    ['chunks that are folded', head(['transfer-encoding:\r\n chunked', LENGTH]) + CHAT_REQUEST],
    ['a length that is folded', head(['content-length: 1\r\n 0']) + CHAT_REQUEST],
    ['an encoding after the chunks', head(['transfer-encoding: chunked, identity']) + CHUNKS],
    ['chunks twice and something else', head([CHUNKED, 'transfer-encoding: cow']) + CHUNKS],
    ['an encoding that is nearly chunked', head(['transfer-encoding: xchunked']) + CHUNKS],
    ['an encoding that is chunked after a vertical tab', head(['transfer-encoding: \vchunked', LENGTH]) + CHAT_REQUEST],
    ['a bare line feed in the head', `${head([LENGTH]).replace('host: x\r\n', 'host: x\n')}${CHAT_REQUEST}`],
    ['a bare carriage return in the head', head([`x-a: b\rtransfer-encoding: chunked`, LENGTH]) + CHAT_REQUEST],
    ['NUL in a header', head(['x-a: b\0c', LENGTH]) + CHAT_REQUEST],
    ['NUL in the name of a header', head(['x-\0a: b', LENGTH]) + CHAT_REQUEST],
    ['a header without a name', head([': b', LENGTH]) + CHAT_REQUEST],
    ['a chunk of a negative size', `${head([CHUNKED])}-1\r\n${CHAT_REQUEST}\r\n0\r\n\r\n`],
    ['a chunk of a size beyond all numbers', `${head([CHUNKED])}fffffffffffffffff\r\n${CHAT_REQUEST}\r\n0\r\n\r\n`],
    ['a chunk of a size with a prefix', `${head([CHUNKED])}0x10\r\n${CHAT_REQUEST}\r\n0\r\n\r\n`],
    ['a chunk that is longer than it says', `${head([CHUNKED])}2\r\n${CHAT_REQUEST}\r\n0\r\n\r\n`],
    ['a chunk whose line ends in a line feed', `${head([CHUNKED])}${chunk(CHAT_REQUEST).replace('\r\n', '\n')}0\r\n\r\n`],
    ['an extension of a chunk with a line feed', `${head([CHUNKED])}2;\nxx\r\n${SMUGGLED}\r\n0\r\n\r\n`],
    ['no HTTP at all', 'GET\r\n\r\n'],
    ['another protocol', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000\u0001\u00fc\u0003\u0003'],
    ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
    ['a version that there is not', WHOLE.replace('HTTP/1.1', 'HTTP/1.7')],
    ['a control character in the path', head([LENGTH], `${PATH}\u0001`) + CHAT_REQUEST],
    ['a space in the path', head([LENGTH], `${PATH} HTTP/1.1 x`) + CHAT_REQUEST],
    ['a length in a trailer', `${head([CHUNKED])}${chunk(CHAT_REQUEST)}0\r\ncontent-length: 4\r\n\r\n`],
  ])('%s', async (_what, bytes) => {
    const before = upstream.seen.length;
    await using client = await rawClient(ingress.url);
    client.write(bytes + SMUGGLED);
    await client.end();
    expect(client.statuses()).toEqual([400]);
    expect(client.received()).toMatch(/\r\nconnection: close\r\n/i);
    expect(upstream.seen.slice(before)).toEqual([]);
  });
});

describe('served as the one request that it is', () => {
  test.each([
    ['chunks', head([CHUNKED]) + CHUNKS],
    ['a chunk for each byte', `${head([CHUNKED])}${Array.from(CHAT_REQUEST, chunk).join('')}0\r\n\r\n`],
    ['chunks with extensions', `${head([CHUNKED])}${chunk(CHAT_REQUEST).replace('\r\n', ';a=b;c="d"\r\n')}0\r\n\r\n`],
    ['chunks with a trailer', `${head([CHUNKED])}${chunk(CHAT_REQUEST)}0\r\nx-tokenledger-user: x\r\nauthorization: x\r\n\r\n`],
    ['an expectation that nobody knows', head([LENGTH, 'expect: the unexpected']) + CHAT_REQUEST],
    ['chunks in capitals', head(['Transfer-Encoding: CHUNKED']) + CHUNKS],
    [
      'an offer of another protocol',
      head([LENGTH, 'connection: upgrade, HTTP2-Settings', 'upgrade: h2c', 'http2-settings: AAMAAABk']) + CHAT_REQUEST,
    ],
    ['an offer of a web socket', head([LENGTH, 'connection: upgrade', 'upgrade: websocket', 'sec-websocket-key: a']) + CHAT_REQUEST],
    [
      'headers that name a length for others',
      head([LENGTH, 'x-content-length: 4', 'content_length: 4', 'content-length-: 4']) + CHAT_REQUEST,
    ],
    [
      'connection headers that would take the body’s type away',
      head([LENGTH, 'connection: content-length, host, authorization']) + CHAT_REQUEST,
    ],
  ])('%s', async (_what, bytes) => {
    const before = upstream.seen.length;
    await using client = await rawClient(ingress.url);
    client.write(bytes);
    expect(await client.answers(1)).toEqual([200]);
    expect(client.received()).toContain(CHAT_ANSWER);
    const [seen, ...more] = upstream.seen.slice(before);
    expect(more).toEqual([]);
    expect(seen).toMatchObject({ method: 'POST', url: PATH });
    expect(seen?.body.toString()).toBe(CHAT_REQUEST);
    expect(seen?.headers['content-length']).toBe(String(CHAT_REQUEST.length));
    for (const name of ['transfer-encoding', 'upgrade', 'trailer', 'te', 'keep-alive', 'expect'])
      expect(seen?.headers[name]).toBeUndefined();
    expect(seen?.headers.connection).toBe('keep-alive');
  });
});

test('a request without a host is refused', async () => {
  const before = upstream.seen.length;
  await using client = await rawClient(ingress.url);
  client.write(WHOLE.replace('host: x\r\n', ''));
  await client.end();
  expect(client.statuses()).toEqual([400]);
  expect(upstream.seen.slice(before)).toEqual([]);
});

test('what follows a body of no length is the next request, never its body', async () => {
  const before = upstream.seen.length;
  await using client = await rawClient(ingress.url);
  client.write(`${head([])}${WHOLE}`);
  expect(await client.answers(2)).toEqual([400, 200]);
  expect(upstream.seen.slice(before).map(({ body }) => body.toString())).toEqual([CHAT_REQUEST]);
});

describe('requests sent one after the other without waiting', () => {
  test('each has its own key, its own answer in its place and its own event', async () => {
    await using provider = await scriptedUpstream(() => undefined);
    await using served = await runIngress({ upstreamUrl: provider.url });
    // The later ones are answered first.
    const waiting: (() => void)[] = [];
    provider.answer = (response, { body }) => {
      const { model } = JSON.parse(body.toString()) as { model: string };
      waiting.push(() =>
        response.writeHead(200, { 'content-type': 'application/json' }).end(CHAT_ANSWER.replace('gpt-4o-mini-2024-07-18', model)),
      );
      if (waiting.length === 3) for (const answer of waiting.toReversed()) answer();
    };
    const asking = (model: string, key: string): string => {
      const body = CHAT_REQUEST.replace('gpt-4o-mini', model);
      return (head([`content-length: ${body.length}`]) + body).replace(TEST_KEY, key);
    };
    await using client = await rawClient(served.url);
    client.write(asking('m-1', TEST_KEY) + asking('m-2', 'tl-nobody') + asking('m-3', TEST_KEY) + asking('m-4', TEST_KEY));
    expect(await client.answers(4)).toEqual([200, 401, 200, 200]);
    await waitFor(() => client.received().includes('"m-4"'), { timeoutMs: 5000, describe: 'the last answer' });
    expect(Array.from(client.received().matchAll(/"model":"(m-\d)"/g), ([, model]) => model)).toEqual(['m-1', 'm-3', 'm-4']);
    const ids = Array.from(client.received().matchAll(/x-tokenledger-request-id: (\S+)/g), ([, id]) => id);
    const events = await served.events(3);
    const eventOf = new Map(events.map(({ eventId, requestedModel, servedModel }) => [eventId, [requestedModel, servedModel]]));
    expect(ids.toSpliced(1, 1).map((id) => eventOf.get(id ?? ''))).toEqual([
      ['m-1', 'm-1'],
      ['m-3', 'm-3'],
      ['m-4', 'm-4'],
    ]);
  });

  test('of a client that leaves each is an event, and nothing is held of them', async () => {
    await using provider = await scriptedUpstream(() => undefined);
    await using served = await runIngress({ upstreamUrl: provider.url, config: { drain_timeout_ms: 100 } });
    const client = await rawClient(served.url);
    client.write(WHOLE.repeat(10));
    await waitFor(() => provider.seen.length === 10, { timeoutMs: 10_000, describe: 'ten requests at the provider' });
    client.destroy();
    expect((await served.events(10)).map(({ outcome }) => outcome)).toEqual(Array.from({ length: 10 }, () => 'client_aborted'));
    await waitFor(async () => (await served.registry.metrics()).includes('request_bytes_in_flight 0'), {
      timeoutMs: 5000,
      describe: 'all to be let go',
    });
  });

  test('what is no HTTP behind a request whose answer has begun is not answered within that answer', async () => {
    await using provider = await scriptedUpstream((response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.write(CHAT_ANSWER.slice(0, 50));
    });
    await using served = await runIngress({ upstreamUrl: provider.url, config: { drain_timeout_ms: 100 } });
    await using client = await rawClient(served.url);
    client.write(WHOLE);
    await waitFor(() => client.received().includes('chatcmpl-1'), { timeoutMs: 5000, describe: 'the begin of the answer' });
    client.write('no HTTP at all\r\n\r\n');
    await client.end();
    expect(client.statuses()).toEqual([200]);
    expect(client.received().endsWith(`${CHAT_ANSWER.slice(0, 50)}\r\n`)).toBe(true);
    expect(await served.events(1)).toMatchObject([{ outcome: 'client_aborted', httpStatus: 200 }]);
  });
});
