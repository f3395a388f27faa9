/** Handing in a batch: a call that leads to usage and has none. */
import type { Rejected } from '@tokenledger/domain';
import { isJsonObject, textAt, type JsonObject } from '../json-object.ts';
import { MODEL_CHARS_MAX, readRequestBody } from '../request-body.ts';
import type { ObservedAnswer, RequestFacts, UsageReader } from '../surface.ts';
import { noAnswer } from './result.ts';
import { SmallAnswer } from './small-answer.ts';

/** `modelOf`: the model that the requests name, where they are in the body. */
export function readSubmission(body: Buffer, modelOf: (batch: JsonObject) => string): RequestFacts | Rejected {
  const request = readRequestBody(body, { modelOptional: true });
  if (request.kind === 'rejected') return request;
  return {
    kind: 'request',
    model: modelOf(request.object).slice(0, MODEL_CHARS_MAX).toWellFormed(),
    streamed: false,
    injectedBody: undefined,
    holdsMedia: true,
    lastToolText: '',
    reportedLater: true,
  };
}

/** `createdAtMs` reads the time that the provider gives the batch. */
export function submissionReader(httpStatus: number, createdAtMs: (batch: JsonObject) => number | null): UsageReader {
  return new SmallAnswer((answer) => ({ ...read(answer, httpStatus, createdAtMs), serviceTier: '' }));
}

function read(answer: JsonObject | undefined, httpStatus: number, createdAtMs: (batch: JsonObject) => number | null): ObservedAnswer {
  const error = answer?.['error'];
  if (httpStatus >= 400) return noAnswer('upstream_error', (isJsonObject(error) && textAt(error, 'type')) || 'unknown_error');
  const id = answer === undefined ? '' : textAt(answer, 'id');
  if (answer === undefined || id === '') return { ...noAnswer('not_reported', ''), complete: answer !== undefined };
  return { ...noAnswer('not_reported', ''), upstreamId: id, identified: { id, isDone: false, createdAtMs: createdAtMs(answer) } };
}
