/** Whatever the framing of a stream, what shows its end is held until the event is safe. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { expect, test } from 'vitest';
import { EVENT_STREAM_TYPE, streamEvent } from '../../support/event-stream.ts';
import { runIngress, TEST_KEY } from '../../support/running-ingress.ts';
import { frame } from '../../support/scripted-answers.ts';
import { scriptedUpstream } from '../../support/scripted-upstream.ts';
import { heldJournal } from '../../support/test-journal.ts';
import { waitFor } from '../../support/wait-for.ts';

interface Stream {
  readonly name: string;
  readonly provider: string;
  readonly path: string;
  readonly body: string;
  readonly contentType: string;
  readonly first: string | Buffer;
  /** Shows the end; somewhere in it stands `SHOWN_LAST`. */
  readonly last: string | Buffer;
}

const SHOWN_LAST = 'the very last';

const line = (value: unknown): string => `${JSON.stringify(value)}\n`;

const STREAMS: readonly Stream[] = [
  {
    name: 'events that end with one of their own (OpenAI responses)',
    provider: 'openai',
    path: '/v1/responses',
    body: '{"model":"gpt-5","stream":true}',
    contentType: 'text/event-stream',
    first: frame({ type: 'response.output_text.delta', delta: 'first' }, 'response.output_text.delta'),
    last: frame(
      {
        type: 'response.completed',
        response: { id: SHOWN_LAST, model: 'gpt-5', status: 'completed', usage: { input_tokens: 7, output_tokens: 2, total_tokens: 9 } },
      },
      'response.completed',
    ),
  },
  {
    name: 'a JSON array (Gemini)',
    provider: 'google',
    path: '/v1beta/models/gemini-2.5-pro:streamGenerateContent',
    body: '{}',
    contentType: 'application/json',
    first: `[${JSON.stringify({ candidates: [{ content: { parts: [{ text: 'first' }] } }] })}\n`,
    last: `,${JSON.stringify({ candidates: [{ finishReason: 'STOP' }], usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 2, totalTokenCount: 9 }, responseId: SHOWN_LAST })}\n]`,
  },
  {
    name: 'lines of JSON (Ollama)',
    provider: 'ollama',
    path: '/api/chat',
    body: '{"model":"llama3"}',
    contentType: 'application/x-ndjson',
    first: line({ model: 'llama3', message: { role: 'assistant', content: 'first' }, done: false }),
    last: line({
      model: 'llama3',
      message: { role: 'assistant', content: SHOWN_LAST },
      done: true,
      done_reason: 'stop',
      prompt_eval_count: 7,
      eval_count: 2,
    }),
  },
  {
    name: 'lines of JSON (Cohere, first version)',
    provider: 'cohere',
    path: '/v1/chat',
    body: '{"model":"command","message":"a","stream":true}',
    contentType: 'application/stream+json',
    first: line({ event_type: 'text-generation', text: 'first', is_finished: false }),
    last: line({
      event_type: 'stream-end',
      is_finished: true,
      finish_reason: 'COMPLETE',
      response: { text: SHOWN_LAST, meta: { billed_units: { input_tokens: 7, output_tokens: 2 } } },
    }),
  },
  {
    name: 'binary messages (Bedrock)',
    provider: 'bedrock',
    path: '/model/amazon.nova-lite-v1%3A0/converse-stream',
    body: '{"messages":[]}',
    contentType: EVENT_STREAM_TYPE,
    first: streamEvent('contentBlockDelta', { contentBlockIndex: 0, delta: { text: 'first' } }),
    last: Buffer.concat([
      streamEvent('messageStop', { stopReason: SHOWN_LAST }),
      streamEvent('metadata', { usage: { inputTokens: 7, outputTokens: 2, totalTokens: 9 }, metrics: { latencyMs: 1 } }),
    ]),
  },
];

/** Writes what shows the end, bit by bit, and leaves the connection open: what was sent is enough for a client to know. */
function writeEnd(response: ServerResponse, last: string | Buffer): void {
  const bytes = Buffer.from(last);
  const middle = Math.floor(bytes.length / 2);
  response.write(bytes.subarray(0, middle));
  response.write(bytes.subarray(middle));
}

test.each(STREAMS)('$name', async ({ provider, path, body, contentType, first, last }) => {
  let answer: ServerResponse | undefined;
  await using upstream = await scriptedUpstream((response) => {
    answer = response;
    response.writeHead(200, { 'content-type': contentType });
    response.write(first);
  });
  const { journal, waiting, sync } = await heldJournal();
  const channels = [{ id: 'streaming', provider, priority: 1 }];
  await using ingress = await runIngress({ upstreamUrl: upstream.url, journal, channels });
  const socket = connect(Number(new URL(ingress.url).port), '127.0.0.1');
  await once(socket, 'connect');
  let received = '';
  socket.on('data', (chunk) => (received += chunk.toString('latin1')));
  const head = `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${TEST_KEY}\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`;
  socket.write(`${head}\r\n\r\n${body}`);
  await waitFor(() => waiting() === 1, { timeoutMs: 5000, describe: 'the opening record to wait' });
  sync();
  await waitFor(() => received.includes('first'), { timeoutMs: 5000, describe: 'the first piece at the client' });
  if (answer === undefined) throw new Error('the provider was not asked');
  writeEnd(answer, last);
  answer.end('\n');
  await waitFor(() => waiting() === 1, { timeoutMs: 5000, describe: 'the closing record to wait' });
  expect(received).not.toContain(SHOWN_LAST);
  sync();
  await waitFor(() => received.includes(SHOWN_LAST), { timeoutMs: 5000, describe: 'the last piece at the client' });
  socket.destroy();
});
