/** OpenAI's batches (https://platform.openai.com/docs/api-reference/batch, https://platform.openai.com/docs/guides/batch): requests come in a file, results are
 *  in the batch's output file, failures in its error file. Each line is `{"id", "custom_id", "response": {"status_code", "request_id", "body"}, "error"}`, in any
 *  order, and `body` is what the API would have answered. Groq, Together and others who speak OpenAI's API have the same.
 *
 *  Results are counted by the file that holds them: it is what a client reads, its content never changes, and every reader knows its id; of the batch it may
 *  know nothing. */
import { isJsonObject, parseJson, textAt, type JsonObject } from '../json-object.ts';
import { openaiErrorClass } from '../openai-api.ts';
import type { Surface } from '../surface.ts';
import { unixSeconds } from '../unix-seconds.ts';
import { batchAnswer, bytesAt } from './batch-answer.ts';
import { noAnswer, type IdentifiedResult, type ResultFact } from './result.ts';
import type { ReadLine } from './result-lines.ts';

/** Also what a line is counted under that does not tell which API it was written for. */
export const OPENAI_BATCHES = 'openai.batches';

/** Where `custom_id` stands in a line: behind the id. */
const START_BYTES = 512;

/** Codes of requests that a batch ended before: nothing was done, and nothing is billed. */
const NEVER_SENT: ReadonlySet<string> = new Set(['batch_expired', 'batch_cancelled']);

export interface SurfaceReading {
  readonly surface: (name: string) => Surface | undefined;
  readonly provider: string;
}

/** Undefined when it is no line of an output file. */
export function readOpenaiLine(line: Buffer, { surface, provider }: SurfaceReading): ReadLine | undefined {
  const result = parseJson(line.toString('latin1'));
  if (!isJsonObject(result) || typeof result['custom_id'] !== 'string' || !('response' in result || 'error' in result)) return undefined;
  const callId = textAt(result, 'id');
  const response = isJsonObject(result['response']) ? result['response'] : {};
  const body = response['body'];
  if (!isJsonObject(body)) {
    const errorClass = openaiErrorClass(result['error']);
    const answer = noAnswer(NEVER_SENT.has(errorClass) ? 'not_forwarded' : 'upstream_error', errorClass);
    return { surface: OPENAI_BATCHES, callId, occurredAtMs: null, httpStatus: statusOf(response), answer };
  }
  const name = surfaceOf(body);
  const api = surface(name);
  const httpStatus = statusOf(response) ?? 200;
  return {
    surface: name,
    callId: textAt(response, 'request_id') || callId,
    occurredAtMs: unixSeconds(body['created'] ?? body['created_at']),
    httpStatus,
    answer:
      api === undefined ? noAnswer('surface_unknown', '') : batchAnswer(api, bytesAt(line, ['response', 'body']), httpStatus, provider),
  };
}

/** Whether a line that is too long to be read begins as the lines of an output file do. */
export function looksLikeOpenaiLine(start: Buffer): boolean {
  return start.toString('latin1', 0, START_BYTES).includes('"custom_id"');
}

/** What the answer about a batch, or a list of them, tells of where results are. */
export function readOpenaiBatches(answer: JsonObject): readonly ResultFact[] {
  const batches = answer['object'] === 'list' && Array.isArray(answer['data']) ? answer['data'] : [answer];
  return batches.filter(isJsonObject).flatMap(factsOf);
}

function factsOf(batch: JsonObject): readonly ResultFact[] {
  const id = textAt(batch, 'id');
  if (batch['object'] !== 'batch' || id === '') return [];
  const names = [textAt(batch, 'output_file_id'), textAt(batch, 'error_file_id')].filter((name) => name !== '');
  if (names.length > 0) return [{ kind: 'named', id, names }];
  return isOverWithoutResults(batch) ? [endedWithout(batch, id)] : [];
}

/** It was refused, or ended before anything of it was done: there will be no file, and nothing is billed. */
function isOverWithoutResults(batch: JsonObject): boolean {
  return batch['status'] === 'failed' || ((batch['status'] === 'expired' || batch['status'] === 'cancelled') && countsNothing(batch));
}

function countsNothing(batch: JsonObject): boolean {
  const counts = batch['request_counts'];
  return isJsonObject(counts) && counts['completed'] === 0 && counts['failed'] === 0;
}

function endedWithout(batch: JsonObject, id: string): IdentifiedResult {
  const status = textAt(batch, 'status');
  return {
    kind: 'result',
    name: id,
    sequence: 1,
    origin: 'batch_last_line',
    surface: OPENAI_BATCHES,
    callId: '',
    occurredAtMs: unixSeconds(batch['failed_at'] ?? batch['expired_at'] ?? batch['cancelled_at'] ?? batch['created_at']),
    httpStatus: null,
    answer: noAnswer('not_forwarded', `batch_${status}`),
  };
}

function surfaceOf(body: JsonObject): string {
  switch (body['object']) {
    case 'chat.completion':
      return 'openai.chat';
    case 'response':
      return 'openai.responses';
    case 'text_completion':
      return 'openai.completions';
    case 'list':
      return 'openai.embeddings';
    default:
      return Array.isArray(body['data']) ? 'openai.images' : OPENAI_BATCHES;
  }
}

function statusOf(response: JsonObject): number | null {
  const status = response['status_code'];
  return typeof status === 'number' && Number.isSafeInteger(status) && status >= 100 && status <= 999 ? status : null;
}
