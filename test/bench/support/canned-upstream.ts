/** A provider that answers from memory: `plain_1kb`, `plain_64kb` and `stream_50` by the request's `x-bench-answer`. Prints its URL. */
import { createServer, type ServerResponse } from 'node:http';

const KIB = 1024;
const CHUNKS = 50;
/** Streams of real models come a chunk at a time: chunks sent in one go would reach a proxy as one. */
const CHUNK_INTERVAL_MS = 2;

function plainAnswer(bytes: number): Buffer {
  const answer = {
    id: 'chatcmpl-bench',
    object: 'chat.completion',
    created: 1_760_000_000,
    model: 'gpt-4o-mini-2024-07-18',
    choices: [{ index: 0, message: { role: 'assistant', content: '', refusal: null }, logprobs: null, finish_reason: 'stop' }],
    usage: {
      prompt_tokens: 210,
      completion_tokens: 160,
      total_tokens: 370,
      prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
      completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0, accepted_prediction_tokens: 0, rejected_prediction_tokens: 0 },
    },
    service_tier: 'default',
    system_fingerprint: 'fp_bench',
  };
  const filler = 'The quick brown fox jumps over the lazy dog, and then it rests a while. ';
  const missing = bytes - JSON.stringify(answer).length;
  (answer.choices[0] as { message: { content: string } }).message.content = filler
    .repeat(Math.ceil(missing / filler.length))
    .slice(0, missing);
  return Buffer.from(JSON.stringify(answer));
}

function streamFrames(): Buffer[] {
  const base = {
    id: 'chatcmpl-bench',
    object: 'chat.completion.chunk',
    created: 1_760_000_000,
    model: 'gpt-4o-mini-2024-07-18',
    service_tier: 'default',
  };
  const frame = (value: unknown): Buffer => Buffer.from(`data: ${JSON.stringify(value)}\n\n`);
  const frames = Array.from({ length: CHUNKS - 2 }, (_, index) =>
    frame({ ...base, choices: [{ index: 0, delta: { content: ` token${index}` }, logprobs: null, finish_reason: null }], usage: null }),
  );
  frames.push(frame({ ...base, choices: [{ index: 0, delta: {}, logprobs: null, finish_reason: 'stop' }], usage: null }));
  frames.push(
    Buffer.concat([
      frame({
        ...base,
        choices: [],
        usage: { prompt_tokens: 210, completion_tokens: 48, total_tokens: 258, prompt_tokens_details: { cached_tokens: 0 } },
      }),
      Buffer.from('data: [DONE]\n\n'),
    ]),
  );
  return frames;
}

const PLAIN: Readonly<Record<string, Buffer>> = { plain_1kb: plainAnswer(KIB), plain_64kb: plainAnswer(64 * KIB) };
const FRAMES = streamFrames();

function stream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8', 'x-request-id': 'req_bench' });
  let sent = 0;
  const timer = setInterval(() => {
    response.write(FRAMES[sent]);
    sent += 1;
    if (sent < FRAMES.length) return;
    clearInterval(timer);
    response.end();
  }, CHUNK_INTERVAL_MS);
  response.once('close', () => clearInterval(timer));
}

const server = createServer({ keepAliveTimeout: 60_000 }, (request, response) => {
  request.resume();
  request.once('end', () => {
    const plain = PLAIN[String(request.headers['x-bench-answer'])];
    if (plain === undefined) return stream(response);
    response.writeHead(200, { 'content-type': 'application/json', 'content-length': plain.length, 'x-request-id': 'req_bench' });
    response.end(plain);
  });
});

server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}` })}\n`);
});
process.once('SIGTERM', () => process.exit(0));
