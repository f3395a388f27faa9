// What a client writes into its request never becomes something else: a column with control characters, another host, another member, a stopped process.
import { request } from 'undici';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CHAT_ANSWER, CHAT_REQUEST } from '../../support/provider-answers.ts';
import { rawClient } from '../../support/raw-client.ts';
import { type RunningIngress, runIngress, TEST_KEY } from '../../support/running-ingress.ts';
import { scriptedUpstream, type ScriptedUpstream } from '../../support/scripted-upstream.ts';

const headers = { authorization: `Bearer ${TEST_KEY}`, 'content-type': 'application/json' };

let upstream: ScriptedUpstream;
/** Where a client would like the ingress to go. */
let elsewhere: ScriptedUpstream;
let ingress: RunningIngress;
let events = 0;
beforeAll(async () => {
  upstream = await scriptedUpstream((response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(CHAT_ANSWER));
  elsewhere = await scriptedUpstream((response) => void response.end());
  ingress = await runIngress({
    upstreamUrl: upstream.url,
    channels: [
      { id: 'google', provider: 'google', surfaces: ['google.generate'] },
      { id: 'bedrock', provider: 'bedrock', surfaces: ['bedrock.converse'], credential: 'env:AWS', region: 'eu-west-1' },
    ],
    secrets: { 'env:AWS': 'AKIDEXAMPLE:wJalrXUtnFEMI' },
  });
});
afterAll(async () => {
  await ingress[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
  await elsewhere[Symbol.asyncDispose]();
});

/** The event of the request that was just answered. */
async function nextEvent() {
  return (await ingress.events(++events)).at(-1);
}

const chat = (body: string | Buffer, more: Readonly<Record<string, string>> = {}) =>
  request(`${ingress.url}/v1/chat/completions`, { method: 'POST', body, headers: { ...headers, ...more } });

const raw = (line: string, ...lines: readonly string[]): string =>
  [
    line,
    'host: x',
    `authorization: Bearer ${TEST_KEY}`,
    'content-type: application/json',
    `content-length: ${CHAT_REQUEST.length}`,
    ...lines,
    '',
    '',
  ].join('\r\n') + CHAT_REQUEST;
const CHAT_LINE = 'POST /v1/chat/completions HTTP/1.1';

describe('headers that become columns', () => {
  test.each(['a\rb', 'a\nb', 'a\r\nx-tokenledger-team: b', 'a\0b', 'a\u0001b', 'a\u007fb', 'a\tb', 'a\u00ff\u00feb', 'a\u00c3\u0028', ''])(
    'a value that holds %j is refused',
    async (value) => {
      await using client = await rawClient(ingress.url);
      const before = upstream.seen.length;
      client.write(Buffer.from(raw(CHAT_LINE, `x-tokenledger-user: ${value}`), 'latin1'));
      const [status] = await client.answers(1);
      // A line break in a header is where a header ends, or none that is allowed.
      expect(status).toBe(400);
      expect(upstream.seen.length).toBe(before);
      if (client.received().includes('ATTRIBUTION_INVALID'))
        expect(await nextEvent()).toMatchObject({ outcome: 'refused_invalid', attribution: { userId: '' } });
    },
  );

  test.each(['constructor', '__proto__', 'prototype', 'tenant', 'owner', 'team', 'virtual-key', 'request-id', ''])(
    'one that there is not is refused: x-tokenledger-%s',
    async (name) => {
      const answer = await chat(CHAT_REQUEST, { [`x-tokenledger-${name}`]: 'a' });
      expect([answer.statusCode, await answer.body.json()]).toMatchObject([400, { error: { code: 'ATTRIBUTION_INVALID' } }]);
      expect(await nextEvent()).toMatchObject({
        outcome: 'refused_invalid',
        attribution: { tenantId: 'acme', ownerId: 'ada', team: 'search' },
      });
    },
  );

  test.each(['__proto__=a', 'a=b\u0000c', '=a', `${'a='.repeat(3)}`, Array.from({ length: 17 }, (_, index) => `a${index}=b`).join()])(
    'labels that are none are refused: %j',
    async (labels) => {
      await using client = await rawClient(ingress.url);
      client.write(Buffer.from(raw(CHAT_LINE, `x-tokenledger-labels: ${labels}`), 'latin1'));
      const [status] = await client.answers(1);
      if (labels.includes('\0')) return expect(status).toBe(400);
      const event = await nextEvent();
      if (status === 400) expect(event).toMatchObject({ outcome: 'refused_invalid', attribution: { labels: {} } });
      else expect(event?.attribution.labels).toEqual({ a: 'a=a=' });
    },
  );

  test('a label may have the name of what every object has', async () => {
    const answer = await chat(CHAT_REQUEST, { 'x-tokenledger-labels': 'constructor=1,toString=2,hasOwnProperty=3' });
    await answer.body.dump();
    expect(answer.statusCode).toBe(200);
    expect((await nextEvent())?.attribution.labels).toEqual({ constructor: '1', toString: '2', hasOwnProperty: '3' });
  });

  test('of a header that comes twice both are looked at', async () => {
    await using client = await rawClient(ingress.url);
    client.write(raw(CHAT_LINE, 'x-tokenledger-user: a', 'X-TokenLedger-User: b\u0001'));
    expect(await client.answers(1)).toEqual([400]);
  });

  test.each([
    ['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01', '0af7651916cd43dd8448eb211c80319c'],
    ['00-00000000000000000000000000000000-b7ad6b7169203331-01', ''],
    ['00-0af7651916cd43dd8448eb211c80319c;drop-b7ad6b7169203331-01', ''],
    ["'; DROP TABLE usage_events; --", ''],
    ['00-__proto__', ''],
  ])('a trace that is none is none: %s', async (traceparent, traceId) => {
    await (await chat(CHAT_REQUEST, { traceparent })).body.dump();
    expect(await nextEvent()).toMatchObject({ traceId, outcome: 'ok' });
  });
});

describe('bodies', () => {
  const deep = '['.repeat(10_000) + ']'.repeat(10_000);

  test.each([
    ['10,000 levels', `{"model":"m","messages":${deep}}`, 200, 'm'],
    [
      '10,000 levels in a tool call',
      `{"model":"m","messages":[{"role":"assistant","tool_calls":[{"function":{"name":"f","arguments":${deep}}}]}]}`,
      200,
      'm',
    ],
    ['a million levels', `{"model":"m","messages":${'['.repeat(1e6)}${']'.repeat(1e6)}}`, 200, 'm'],
    ['levels that never close', `{"model":"m","messages":${'[{"a":'.repeat(1e5)}`, 400, ''],
    [
      'members of every object',
      '{"__proto__":{"model":"a","stream":true},"constructor":{"prototype":{"model":"b"}},"model":"m"}',
      200,
      'm',
    ],
    ['only such members', '{"__proto__":{"model":"a"}}', 400, ''],
    ['a model that every object has', '{"model":"__proto__","messages":[]}', 200, '__proto__'],
    ['a member twice', '{"model":"a","model":"m","messages":[]}', 200, 'm'],
    ['lone surrogates', '{"model":"\\ud800m\\udc00","messages":[]}', 200, '\ufffdm\ufffd'],
    [
      'bytes that are no UTF-8',
      Buffer.concat([Buffer.from('{"model":"m'), Buffer.from([0xff, 0xfe]), Buffer.from('"}')]),
      200,
      'm\ufffd\ufffd',
    ],
    ['another encoding', Buffer.from('{"model":"m"}', 'utf16le'), 400, ''],
    ['numbers beyond all bounds', `{"model":"m","max_tokens":${'9'.repeat(10_000)},"n":1e999}`, 200, 'm'],
    ['a name of a hundred thousand characters', `{"model":"m","${'a'.repeat(100_000)}":1}`, 200, 'm'],
    ['a model of a hundred thousand characters', `{"model":"${'a'.repeat(100_000)}"}`, 400, ''],
    ['a hundred thousand members', `{"model":"m",${Array.from({ length: 100_000 }, (_, index) => `"a${index}":0`).join()}}`, 200, 'm'],
  ])('of %s are understood as the provider does, or refused', async (_what, body, status, model) => {
    const before = upstream.seen.length;
    const answer = await chat(body);
    await answer.body.dump();
    expect(answer.statusCode).toBe(status);
    expect((await nextEvent())?.requestedModel).toBe(model);
    // What is passed on is what came, byte for byte.
    expect(upstream.seen.slice(before).map((seen) => seen.body.equals(Buffer.from(body)))).toEqual(status === 200 ? [true] : []);
  });

  test('names of models with control characters stand in the event as they are', async () => {
    await (await chat('{"model":"a\\u0000b\\nc\\r\\n","messages":[]}')).body.dump();
    expect((await nextEvent())?.requestedModel).toBe('a\u0000b\nc\r\n');
  });
});

describe('only the configured provider is asked', () => {
  const authority = (): string => new URL(elsewhere.url).host;

  test.each([
    ['an absolute URL', () => raw(`POST ${elsewhere.url}/v1/chat/completions HTTP/1.1`), 200],
    ['an absolute URL with a user', () => raw(`POST http://a@${authority()}/v1/chat/completions HTTP/1.1`), 200],
    ['a host', () => raw(CHAT_LINE).replace('host: x', `host: ${authority()}`), 200],
    [
      'headers of proxies',
      () => raw(CHAT_LINE, `x-forwarded-host: ${authority()}`, `forwarded: host=${authority()}`, `x-real-ip: ${authority()}`),
      200,
    ],
    [
      'headers of base URLs',
      () =>
        raw(
          CHAT_LINE,
          `x-base-url: ${elsewhere.url}`,
          `x-original-url: ${elsewhere.url}`,
          `x-rewrite-url: /v1/models`,
          `x-http-method-override: GET`,
        ),
      200,
    ],
    ['headers that replace the path', () => raw(CHAT_LINE, ':path: /v1/models'), 400],
    ['a second slash', () => raw(`POST //${authority()}/v1/chat/completions HTTP/1.1`), 400],
    ['an authority below a channel', () => raw(`POST /channels/openai//${authority()}/v1/chat/completions HTTP/1.1`), 400],
    ['a user below a channel', () => raw(`POST /channels/openai@${authority()}/v1/chat/completions HTTP/1.1`), 404],
    ['a URL below a channel', () => raw(`POST /channels/openai/${elsewhere.url}/v1/chat/completions HTTP/1.1`), 400],
    ['back slashes', () => raw(`POST /channels/openai/\\\\${authority()}\\v1/chat/completions HTTP/1.1`), 400],
    ['a way up', () => raw('POST /channels/openai/v1/../../chat/completions HTTP/1.1'), 400],
    ['an encoded way up', () => raw('POST /channels/openai/v1/%2e%2e%2f%2e%2E/chat/completions HTTP/1.1'), 400],
    ['a way up in the name of a model', () => raw('POST /v1beta/models/..%2f..%2fsecret:generateContent HTTP/1.1'), 400],
    ['a way up in the name of a signed model', () => raw('POST /model/..%2f..%2fguardrail/converse HTTP/1.1'), 400],
    ['a fragment', () => raw(`POST /channels/openai/v1/chat/completions#@${authority()} HTTP/1.1`), 400],
    ['a tunnel', () => `CONNECT ${authority()} HTTP/1.1\r\nhost: ${authority()}\r\nauthorization: Bearer ${TEST_KEY}\r\n\r\n`, 0],
    ['the asterisk', () => raw('OPTIONS * HTTP/1.1'), 404],
    ['a trace', () => raw('TRACE /v1/chat/completions HTTP/1.1'), 404],
  ])('whatever is said by %s', async (_what, bytes, status) => {
    const before = upstream.seen.length;
    await using client = await rawClient(ingress.url);
    client.write(bytes());
    if (status === 0) await client.end();
    else expect(await client.answers(1)).toEqual([status]);
    expect(elsewhere.seen).toEqual([]);
    const seen = upstream.seen.slice(before);
    if (status === 200) {
      events++;
      expect(seen.map(({ method, url }) => `${method} ${url}`)).toEqual(['POST /v1/chat/completions']);
      expect(seen[0]?.headers.host).toBe(new URL(upstream.url).host);
      for (const name of ['x-forwarded-host', 'forwarded', 'x-real-ip']) expect(seen[0]?.headers[name]).toBeUndefined();
    } else expect(seen).toEqual([]);
  });

  test('wherever a client is sent on to by an answer, the ingress does not follow', async () => {
    const { answer: usual } = upstream;
    upstream.answer = (response) => void response.writeHead(307, { location: `${elsewhere.url}/v1/chat/completions` }).end();
    const answer = await chat(CHAT_REQUEST);
    await answer.body.dump();
    upstream.answer = usual;
    events++;
    expect(answer.statusCode).toBe(307);
    expect(elsewhere.seen).toEqual([]);
  });

  test('files that a body names are not fetched', async () => {
    const body = JSON.stringify({
      model: 'm',
      messages: [{ role: 'user', content: [{ type: 'image_url', image_url: { url: `${elsewhere.url}/a.png` } }] }],
    });
    await (await chat(body)).body.dump();
    events++;
    expect(elsewhere.seen).toEqual([]);
  });
});
