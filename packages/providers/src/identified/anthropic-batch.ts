/** Anthropic's message batches (https://docs.anthropic.com/en/api/creating-message-batches, https://docs.anthropic.com/en/docs/build-with-claude/batch-processing).
 *  Each line of the results is `{"custom_id", "result": {"type", …}}`, in any order; `result.message` is what the messages API would have answered, its
 *  `usage.service_tier` `batch`. "You will not be billed" for requests that errored, expired or were cancelled; the last two were never sent to the model. */
import { isJsonObject, parseJson, textAt } from '../json-object.ts';
import type { Surface } from '../surface.ts';
import { batchAnswer, bytesAt } from './batch-answer.ts';
import { noAnswer } from './result.ts';
import type { ReadLine } from './result-lines.ts';

const MESSAGES = 'anthropic.messages';

/** Undefined when it is no line of results. */
export function readAnthropicLine(
  line: Buffer,
  { messages, provider }: { readonly messages: Surface; readonly provider: string },
): ReadLine | undefined {
  const parsed = parseJson(line.toString('latin1'));
  if (!isJsonObject(parsed) || typeof parsed['custom_id'] !== 'string' || !isJsonObject(parsed['result'])) return undefined;
  const result = parsed['result'];
  const unsent = { surface: MESSAGES, callId: '', occurredAtMs: null, httpStatus: null };
  switch (result['type']) {
    case 'succeeded': {
      const message = result['message'];
      if (!isJsonObject(message)) return { ...unsent, answer: noAnswer('not_reported', '') };
      const answer = batchAnswer(messages, bytesAt(line, ['result', 'message']), 200, provider);
      return { ...unsent, callId: textAt(message, 'id'), httpStatus: 200, answer };
    }
    case 'errored': {
      const { error } = result;
      const inner = isJsonObject(error) && isJsonObject(error['error']) ? error['error'] : error;
      return { ...unsent, answer: noAnswer('upstream_error', (isJsonObject(inner) && textAt(inner, 'type')) || 'errored') };
    }
    default:
      return { ...unsent, answer: noAnswer('not_forwarded', textAt(result, 'type') || 'unknown') };
  }
}
