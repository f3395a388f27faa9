/** Passes an answer that may hold results which the provider identifies: read beside its way, and recorded before the client can know that it has all of it.
 *  Where it breaks off, what was read until then is recorded; the rest is when somebody reads it again. */
import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import type { ResolvedChannel } from '@tokenledger/control';
import type { Attribution } from '@tokenledger/domain';
import { type ObservedAnswer, resultReader, type ResultsKind, type Surface, SURFACES } from '@tokenledger/providers';
import type { Dispatcher } from 'undici';
import { answerReading, type AnswerReading, contentCoding } from './answer-reading.ts';
import type { BillableContext } from './billable-route.ts';
import { singleHeader } from './core/headers.ts';
import { HeldEnd } from './held-end.ts';
import { recorded } from './result-posting.ts';
import type { FreeCall } from './target.ts';

export interface ResultCall {
  readonly call: FreeCall;
  readonly channel: ResolvedChannel;
  readonly results: ResultsKind;
  readonly requestId: string;
  readonly attribution: Attribution;
}

const BY_NAME: Readonly<Record<string, Surface>> = SURFACES;

/** The head is sent. Rejects when the answer breaks off, the client leaves, or the journal takes no more: the end is not sent then. */
export async function passResults(
  context: BillableContext,
  { call, channel, results, requestId, attribution }: ResultCall,
  answer: Dispatcher.ResponseData,
  response: ServerResponse,
): Promise<void> {
  const session = context.results.session({ channel, requestId, attribution });
  const left = new AbortController();
  response.once('close', () => left.abort());
  const flow = new Flow();
  const end = new HeldEnd();
  const reader = resultReader({
    kind: results,
    name: call.names['batch'] ?? call.names['file'] ?? '',
    contentType: singleHeader(answer.headers['content-type']),
    httpStatus: answer.statusCode,
    answerBytesMax: context.config.answer_read_bytes_max,
    provider: channel.provider,
    surface: (name) => (Object.hasOwn(BY_NAME, name) ? BY_NAME[name] : undefined),
    onFact: (fact) => session.take(fact),
  });
  const reading = answerReading({
    reader,
    coding: contentCoding(answer.headers['content-encoding']),
    // Lines are let go as they are read: a file may be of any length.
    decodedBytesMax: Number.POSITIVE_INFINITY,
    onDrain: () => flow.go(),
  });
  const length = Number(singleHeader(answer.headers['content-length']) || -1);
  try {
    let received = 0;
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      received += chunk.length;
      if (!reading.push(chunk)) await flow.wait();
      await recorded(context, session.caughtUp());
      const showsEnd = end.isShown || reading.sawEnd || received === length;
      const passed = showsEnd ? end.hold(chunk) : chunk;
      if (passed !== undefined) await write(response, passed, left.signal);
    }
    // What could not be decoded may lack its end.
    if ((await ended(reading)).usageReason !== 'undecodable_answer') reader.whole();
    await recorded(context, session.safe());
    response.end(end.take());
  } finally {
    session.end();
  }
}

async function write(response: ServerResponse, chunk: Buffer, left: AbortSignal): Promise<void> {
  left.throwIfAborted();
  if (!response.write(chunk)) await once(response, 'drain', { signal: left });
}

function ended(reading: AnswerReading): Promise<ObservedAnswer> {
  return new Promise((resolve) => reading.end(resolve));
}

/** Lets one waiting be ended from elsewhere. */
class Flow {
  #go: (() => void) | undefined;

  go(): void {
    this.#go?.();
    this.#go = undefined;
  }

  wait(): Promise<void> {
    return new Promise((resolve) => (this.#go = resolve));
  }
}
