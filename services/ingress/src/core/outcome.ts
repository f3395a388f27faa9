/** How a request ended, in the words of its event. Pure. */
import type { Outcome } from '@tokenledger/domain';
import type { ObservedAnswer } from '@tokenledger/providers';

const TIMEOUT_CODES: ReadonlySet<string> = new Set([
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'DEADLINE_PASSED',
]);

export interface AnswerEnd {
  readonly clientGone: boolean;
  /** Status of the provider's answer; null when there was none. */
  readonly status: number | null;
  readonly observed: ObservedAnswer | null;
  /** What broke the answer off. */
  readonly error: Error | undefined;
}

export function outcomeOf({ clientGone, status, observed, error }: AnswerEnd): Outcome {
  if (clientGone) return 'client_aborted';
  if (error !== undefined) return isTimeout(error) ? 'timed_out' : isUnsigned(error) ? 'refused_unavailable' : 'upstream_error';
  if ((status ?? 0) >= 400 || observed?.errorClass !== '') return 'upstream_error';
  return observed.complete || observed.finishReason !== '' ? 'ok' : 'upstream_error';
}

/** Status that a client gets of whose answer nothing was sent yet; null when it has gone. */
export function statusUnsent({ clientGone, status, error }: AnswerEnd): number | null {
  if (clientGone) return null;
  return error === undefined ? status : failureStatus(error);
}

export function failureStatus(error: Error): 502 | 503 | 504 {
  if (isUnsigned(error) || isJournalFull(error)) return 503;
  return isTimeout(error) ? 504 : 502;
}

/** The channel's credential cannot sign a request: nothing was sent. */
export function isUnsigned(error: Error): boolean {
  return 'code' in error && error.code === 'CREDENTIAL_INVALID';
}

/** Another attempt could not be recorded, so it was not made. */
function isJournalFull(error: Error): boolean {
  return 'code' in error && error.code === 'JOURNAL_FULL';
}

export function errorClassOf({ observed, error }: Pick<AnswerEnd, 'observed' | 'error'>): string {
  if (error !== undefined) return codeOf(error);
  if (observed === null) return '';
  if (observed.errorClass !== '') return observed.errorClass;
  return observed.complete || observed.finishReason !== '' ? '' : 'answer_incomplete';
}

function codeOf(error: Error): string {
  return 'code' in error && typeof error.code === 'string' ? error.code.toLowerCase() : 'connection_broken';
}

function isTimeout(error: Error): boolean {
  return 'code' in error && typeof error.code === 'string' && TIMEOUT_CODES.has(error.code);
}
