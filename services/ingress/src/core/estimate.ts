/** The best estimate of a usage that nobody will report: the process died, or the client left and the provider was not waited for any longer. Pure.
 *
 *  | known                                          | input                          | output                     | basis           |
 *  | ---------------------------------------------- | ------------------------------ | -------------------------- | --------------- |
 *  | the request alone                              | its bytes                      | unknown                    | `request_bytes` |
 *  | …and content of the answer                     | its bytes                      | bytes of the content seen  | `answer_bytes`  |
 *  | …and what the provider stated as it began      | as stated                      | bytes of the content seen  | `answer_bytes`  |
 *  | a request with images, sounds or files         | unknown, unless stated         | bytes of the content seen  | `answer_bytes`  |
 *  | that, and nothing of an answer                 | no estimate at all                                          |                 |
 *  | usage will be stated under a name of its own   | no estimate at all: it would be counted beside that         |                 |
 *
 *  What has no basis stays null. Output that nobody sees (a model's hidden reasoning) is in no estimate: it is a lower bound. */
import { inputTokens, UNKNOWN_USAGE, type Usage, type UsageBasis } from '@tokenledger/domain';

/** Of English text: "one token generally corresponds to ~4 characters of text for common English text" (OpenAI, tokenizer page). Text of other scripts
 *  has more bytes and fewer characters per token, which keeps the ratio near. */
export const BYTES_PER_TOKEN = 4;

export interface EstimateFacts {
  /** `holdsMedia`: the bytes of its body say nothing about its tokens. */
  readonly request: { readonly requestBytes: number | null; readonly holdsMedia: boolean; readonly reportedLater?: boolean };
  /** Null when nothing of an answer came. */
  readonly answer: { readonly stated: Usage | null; readonly contentBytes: number } | null;
}

export interface Estimate {
  readonly usage: Usage;
  readonly basis: UsageBasis;
}

/** Null when there is nothing to go by. */
export function estimateUsage({ request, answer }: EstimateFacts): Estimate | null {
  if (request.reportedLater === true) return null;
  const requestTextBytes = request.holdsMedia ? null : request.requestBytes;
  const stated = answer?.stated ?? null;
  const contentBytes = answer?.contentBytes ?? 0;
  const input = stated !== null && inputTokens(stated) !== null ? stated : null;
  if (input === null && requestTextBytes === null && contentBytes === 0) return null;
  const usage: Usage = {
    ...(input ?? UNKNOWN_USAGE),
    ...(input === null && requestTextBytes !== null ? { uncached_input: tokensIn(requestTextBytes) } : {}),
    visible_output: contentBytes === 0 ? null : tokensIn(contentBytes),
    reasoning: null,
  };
  return { usage, basis: input === null && contentBytes === 0 ? 'request_bytes' : 'answer_bytes' };
}

function tokensIn(bytes: number): number {
  return Math.ceil(bytes / BYTES_PER_TOKEN);
}
