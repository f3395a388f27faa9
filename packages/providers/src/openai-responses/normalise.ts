/** OpenAI's usage object of a response, normalised into classes that never overlap. */
import { normaliseInclusiveUsage } from '../inclusive-usage.ts';
import { isJsonObject, type JsonObject } from '../json-object.ts';
import type { Normalised } from '../normalised.ts';

const NAMES = {
  input: 'input_tokens',
  inputDetails: 'input_tokens_details',
  output: 'output_tokens',
  outputDetails: 'output_tokens_details',
} as const;

/** OpenAI's rule is inclusion: `input_tokens` holds `input_tokens_details.cached_tokens` (and cache writes where a model bills them), `output_tokens` holds `output_tokens_details.reasoning_tokens`
 *  (`ResponseUsage` in the API reference; https://platform.openai.com/docs/guides/reasoning: reasoning tokens "are billed as output tokens"). The same at Azure, and at xAI, whose chat
 *  completions put reasoning on top. */
export function normaliseResponseUsage(usage: JsonObject): Normalised {
  return normaliseInclusiveUsage(usage, NAMES);
}

/** Calls of the web search tool that are billed. "Search actions incur a tool call cost", those that open a page or look for something in it do not
 *  (https://platform.openai.com/docs/guides/tools-web-search); a call that does not name its action is a search. Every call stands in the output, so that none there means none. */
export function webSearches(output: readonly unknown[]): number {
  return output.filter((item) => isJsonObject(item) && item['type'] === 'web_search_call' && searches(item['action'])).length;
}

function searches(action: unknown): boolean {
  return !isJsonObject(action) || action['type'] === undefined || action['type'] === 'search';
}

/** Whether the image generation tool ran: its tokens are those of an image model, billed at that model's prices, and stand in no usage object of the response
 *  (https://platform.openai.com/docs/guides/tools-image-generation). */
export function madeImages(output: readonly unknown[]): boolean {
  return output.some((item) => isJsonObject(item) && item['type'] === 'image_generation_call');
}

/** Tools that are billed by the call or by the container, for which there is no class (https://platform.openai.com/docs/pricing, built-in tools). */
const BILLED_BY_CALL: ReadonlySet<unknown> = new Set(['file_search_call', 'code_interpreter_call']);

export function usedToolsBilledByCall(output: readonly unknown[]): boolean {
  return output.some((item) => isJsonObject(item) && BILLED_BY_CALL.has(item['type']));
}
