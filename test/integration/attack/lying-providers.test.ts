// A provider that lies about its answer harms nobody but the one who asked it, and what it says of usage is believed only as far as it can be read.
import { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { request } from 'undici';
import { describe, expect, test } from 'vitest';
import { CHAT_ANSWER, CHAT_REQUEST, CHAT_STREAM_REQUEST, chatFrames } from '../../support/provider-answers.ts';
import { rawUpstream } from '../../support/raw-upstream.ts';
import { runIngress, TEST_KEY } from '../../support/running-ingress.ts';
import { rawClient } from '../../support/raw-client.ts';
import { scriptedUpstream } from '../../support/scripted-upstream.ts';
import { waitFor } from '../../support/wait-for.ts';

const MIB = 1024 * 1024;
setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;
const headers = { authorization: `Bearer ${TEST_KEY}`, 'content-type': 'application/json' };

interface Answered {
  /** 0: the connection broke off before any. */
  readonly status: number;
  readonly text: string;
  readonly isWhole: boolean;
}

/** What `bytes` says once it has stopped changing, and `enough` holds: whatever is still to be collected or decoded is. */
async function settled(what: string, bytes: () => number, enough: (bytes: number) => boolean): Promise<number> {
  const looks: number[] = [];
  await waitFor(
    () => {
      looks.push(bytes());
      const recent = looks.slice(-10);
      return recent.length === 10 && enough(Math.min(...recent)) && Math.max(...recent) - Math.min(...recent) < 65_536;
    },
    { timeoutMs: 30_000, intervalMs: 50, describe: () => `memory not to change any more, ${what}: ${looks.join(' ')}` },
  );
  return looks.at(-1) as number;
}

async function chat(url: string, body: string = CHAT_REQUEST): Promise<Answered> {
  const answer = await request(`${url}/v1/chat/completions`, { method: 'POST', body, headers });
  const chunks: Buffer[] = [];
  let isWhole = true;
  try {
    for await (const chunk of answer.body) chunks.push(chunk as Buffer);
  } catch {
    isWhole = false; // told by the result
  }
  return { status: answer.statusCode, text: Buffer.concat(chunks).toString(), isWhole };
}

const head = (...lines: readonly string[]): string => ['HTTP/1.1 200 OK', 'content-type: application/json', ...lines, '', ''].join('\r\n');
const whole = (body: string): string => head(`content-length: ${Buffer.byteLength(body)}`) + body;
const other = CHAT_ANSWER.replace('Hello', 'for somebody else');
const chunk = (text: string): string => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

describe('one that answers twice', () => {
  test.each([
    ['in one piece', (write: (bytes: string) => void) => write(whole(CHAT_ANSWER) + whole(other))],
    [
      'a moment later',
      (write: (bytes: string) => void) => {
        write(whole(CHAT_ANSWER));
        setImmediate(() => write(whole(other)));
      },
    ],
    [
      'with chunks',
      (write: (bytes: string) => void) => write(`${head('transfer-encoding: chunked')}${chunk(CHAT_ANSWER)}0\r\n\r\n${whole(other)}`),
    ],
    ['after a status that has no body', (write: (bytes: string) => void) => write(`HTTP/1.1 204 No Content\r\n\r\n${whole(other)}`)],
  ])('%s: the second answer reaches nobody, also not who waits for the connection', async (_how, write) => {
    await using upstream = await rawUpstream((socket, _request, count) => {
      if (count === 1) write((bytes) => void socket.write(bytes));
      else socket.write(whole(CHAT_ANSWER));
    });
    await using ingress = await runIngress({ upstreamUrl: upstream.url, config: { upstream_connections_max: 1 } });
    const answers = await Promise.all(Array.from({ length: 5 }, () => chat(ingress.url)));
    expect(answers.map(({ text }) => text).join('')).not.toContain('for somebody else');
    const events = await ingress.events(5);
    expect(events).toHaveLength(5);
    // Who is asked again on a connection of its own is answered.
    expect(await chat(ingress.url)).toMatchObject({ status: 200, text: CHAT_ANSWER, isWhole: true });
  });
});

describe('one that lies about the length of its answer', () => {
  test.each([
    ['shorter than announced', head(`content-length: ${CHAT_ANSWER.length + 10}`) + CHAT_ANSWER, 200, false],
    ['in a chunk that is shorter than announced', `${head('transfer-encoding: chunked')}fff\r\n${CHAT_ANSWER.slice(0, -1)}`, 200, false],
    ['in chunks without an end', `${head('transfer-encoding: chunked')}${chunk(CHAT_ANSWER.slice(0, -1))}`, 200, false],
    ['with two lengths', head(`content-length: ${CHAT_ANSWER.length}`, 'content-length: 1') + CHAT_ANSWER, 502, true],
    ['with a length and chunks', `${head('content-length: 1', 'transfer-encoding: chunked')}${chunk(CHAT_ANSWER)}0\r\n\r\n`, 502, true],
    ['with a length that is no number', head('content-length: ten') + CHAT_ANSWER, 502, true],
    ['with a chunk of a size that is none', `${head('transfer-encoding: chunked')}zz\r\n${CHAT_ANSWER}`, 502, true],
    ['with a folded header', `HTTP/1.1 200 OK\r\nx: a\r\n b\r\n${whole(CHAT_ANSWER).slice(17)}`, 502, true],
    ['with a head without end', `HTTP/1.1 200 OK\r\n${'x: a\r\n'.repeat(10_000)}`, 502, true],
    ['without any head', CHAT_ANSWER, 502, true],
    ['with a status that there is not', whole(CHAT_ANSWER).replace('200', '9999'), 502, true],
  ])('%s: the client is told, and it is an event', async (_how, bytes, status, isWhole) => {
    await using upstream = await rawUpstream((socket) => void socket.end(Buffer.from(bytes)));
    await using ingress = await runIngress({ upstreamUrl: upstream.url });
    const answer = await chat(ingress.url);
    expect([answer.status, answer.isWhole]).toEqual([status, isWhole]);
    const [event] = await ingress.events(1);
    expect(event?.outcome).toBe('upstream_error');
    expect(event?.attempts).toHaveLength(1);
  });

  test('in chunks without an end, of which its own text shows that it is whole: it is', async () => {
    await using upstream = await rawUpstream((socket) => void socket.end(`${head('transfer-encoding: chunked')}${chunk(CHAT_ANSWER)}`));
    await using ingress = await runIngress({ upstreamUrl: upstream.url });
    expect(await chat(ingress.url)).toMatchObject({ status: 200, text: CHAT_ANSWER, isWhole: true });
    expect(await ingress.events(1)).toMatchObject([{ outcome: 'ok', attempts: [{ usageSource: 'reported' }] }]);
  });

  test('longer than announced: what is too much reaches nobody', async () => {
    await using upstream = await rawUpstream((socket) => void socket.write(`${whole(CHAT_ANSWER)}${other}`));
    await using ingress = await runIngress({ upstreamUrl: upstream.url });
    expect(await chat(ingress.url)).toMatchObject({ status: 200, text: CHAT_ANSWER, isWhole: true });
    expect(await chat(ingress.url)).toMatchObject({ text: CHAT_ANSWER });
    expect(await ingress.events(2)).toHaveLength(2);
  });

  test('headers cannot end the head of the answer, nor name our own', async () => {
    const lines = [
      'x-tokenledger-request-id: theirs',
      'set-cookie: a=b',
      'x-text: a\tb\u00e9',
      'connection: x-hidden',
      'x-hidden: 1',
      'trailer: x',
    ];
    await using upstream = await rawUpstream(
      (socket) => void socket.write(Buffer.from(head(...lines, `content-length: ${CHAT_ANSWER.length}`) + CHAT_ANSWER, 'latin1')),
    );
    await using ingress = await runIngress({ upstreamUrl: upstream.url });
    const answer = await request(`${ingress.url}/v1/chat/completions`, { method: 'POST', body: CHAT_REQUEST, headers });
    expect(await answer.body.text()).toBe(CHAT_ANSWER);
    const [event] = await ingress.events(1);
    expect(answer.headers['x-tokenledger-request-id']).toBe(event?.eventId);
    for (const name of ['set-cookie', 'x-hidden', 'trailer']) expect(answer.headers[name]).toBeUndefined();
  });
});

describe('one that encodes its answer', () => {
  const bomb = Buffer.alloc(256 * MIB, 'a');
  const coded = {
    gzip: gzipSync(bomb),
    br: brotliCompressSync(bomb, { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }),
    zstd: zstdCompressSync(bomb),
    deflate: deflateSync(bomb),
  };

  test.each(Object.entries(coded))('as a bomb in %s: it passes as it is, and is read up to the bound', async (coding, bytes) => {
    await using upstream = await scriptedUpstream((response) => {
      response.writeHead(200, { 'content-type': 'application/json', 'content-encoding': coding }).end(bytes);
    });
    await using ingress = await runIngress({ upstreamUrl: upstream.url, config: { answer_read_bytes_max: MIB } });
    const rssBefore = process.memoryUsage.rss();
    const answer = await request(`${ingress.url}/v1/chat/completions`, { method: 'POST', body: CHAT_REQUEST, headers });
    expect(Buffer.from(await answer.body.arrayBuffer()).equals(bytes)).toBe(true);
    const [event] = await ingress.events(1);
    expect(event?.attempts[0]).toMatchObject({ usage: null, usageReason: 'answer_too_large' });
    expect(process.memoryUsage.rss() - rssBefore).toBeLessThan(128 * MIB);
  });

  test.each([
    ['gzip twice', 'gzip, gzip', gzipSync(gzipSync(CHAT_ANSWER))],
    ['gzip and br', 'gzip, br', brotliCompressSync(gzipSync(CHAT_ANSWER))],
    ['gzip, named twice', ['gzip', 'gzip'], gzipSync(gzipSync(CHAT_ANSWER))],
    [
      'a hundred times',
      Array.from({ length: 100 }, () => 'gzip').join(', '),
      Array.from({ length: 100 }).reduce<Buffer>((inner) => gzipSync(inner), Buffer.from('{}')),
    ],
    ['in nothing that there is', 'constructor', gzipSync(CHAT_ANSWER)],
    ['in gzip that is cut off', 'gzip', gzipSync(CHAT_ANSWER).subarray(0, 60)],
    ['in gzip with something behind', 'gzip', Buffer.concat([gzipSync('{"usage":'), Buffer.from('garbage')])],
  ])('%s: it passes as it is, its usage unknown with the reason', async (_how, coding, bytes) => {
    await using upstream = await scriptedUpstream((response) => {
      response.setHeader('content-encoding', coding);
      response.writeHead(200, { 'content-type': 'application/json' }).end(bytes);
    });
    await using ingress = await runIngress({ upstreamUrl: upstream.url });
    const answer = await request(`${ingress.url}/v1/chat/completions`, { method: 'POST', body: CHAT_REQUEST, headers });
    expect(Buffer.from(await answer.body.arrayBuffer()).equals(bytes)).toBe(true);
    expect((await ingress.events(1))[0]?.attempts[0]).toMatchObject({ usage: null, usageReason: 'undecodable_answer' });
  });

  test('as a bomb in a stream that was asked for plain: no more is decoded than the client takes', async () => {
    const stream = gzipSync(`: ${'a'.repeat(64 * MIB)}\n\n${chatFrames(true).join('')}`);
    await using upstream = await scriptedUpstream((response) => {
      response.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' }).end(stream);
    });
    await using ingress = await runIngress({ upstreamUrl: upstream.url });
    await using client = await rawClient(ingress.url);
    client.pause();
    const held = (): number => {
      collectGarbage();
      return process.memoryUsage().arrayBuffers;
    };
    const before = await settled('before anything was sent', held, () => true);
    client.write(
      `POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TEST_KEY}\r\ncontent-type: application/json\r\ncontent-length: ${CHAT_STREAM_REQUEST.length}\r\n\r\n${CHAT_STREAM_REQUEST}`,
    );
    const after = await settled('with all decoded that would be', held, (bytes) => bytes > before + 16_384);
    // A line is read up to 8 MiB; beside that are the buffers on the way, and not the 64 MiB.
    expect(after - before).toBeLessThan(10 * MIB);
    client.resume();
    await waitFor(() => client.received().includes('[DONE]'), { timeoutMs: 30_000, describe: 'the end of the stream' });
    expect(client.received().length).toBeGreaterThan(64 * MIB);
    expect((await ingress.events(1))[0]?.attempts[0]?.usage).toMatchObject({ uncached_input: 16 });
  });
});

describe('one that sends what is hard to read', () => {
  test.each([
    ['10,000 levels', 'application/json', `{"usage":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, 'invalid_usage'],
    ['lone surrogates', 'application/json', '{"model":"\\ud800","id":"\\udfff","usage":null}', 'not_reported'],
    [
      'members of every object',
      'application/json',
      '{"__proto__":{"usage":{"prompt_tokens":1}},"constructor":{"model":"x"}}',
      'not_reported',
    ],
    ['a line of a stream without end', 'text/event-stream', `data: {"usage":"${'a'.repeat(9 * MIB)}`, 'line_too_long'],
  ])('%s: it passes, and its usage is unknown with the reason', async (_what, contentType, text, reason) => {
    await using upstream = await scriptedUpstream((response) => void response.writeHead(200, { 'content-type': contentType }).end(text));
    await using ingress = await runIngress({ upstreamUrl: upstream.url, injectUsage: false });
    const answer = await chat(ingress.url, contentType.startsWith('text') ? CHAT_STREAM_REQUEST : CHAT_REQUEST);
    expect(answer.text === text).toBe(true);
    expect((await ingress.events(1))[0]?.attempts[0]).toMatchObject({ usage: null, usageReason: reason });
  });

  test('of members that stand there twice the last one counts', async () => {
    const text = CHAT_ANSWER.replace('"usage":{', '"usage":{"prompt_tokens":1,"completion_tokens":1},"usage":{').replace('}}', '}}');
    await using upstream = await scriptedUpstream(
      (response) => void response.writeHead(200, { 'content-type': 'application/json' }).end(text),
    );
    await using ingress = await runIngress({ upstreamUrl: upstream.url });
    expect((await chat(ingress.url)).text).toBe(text);
    expect((await ingress.events(1))[0]?.attempts[0]?.usage).toMatchObject({ uncached_input: 16, visible_output: 6 });
  });
});
