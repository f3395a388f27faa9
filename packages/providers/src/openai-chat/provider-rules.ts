/** Providers that speak OpenAI's chat completions and mean something else by it, one rule each. Who is not listed follows OpenAI's rule. */
import type { Usage } from '@tokenledger/domain';
import { isJsonObject, type JsonObject } from '../json-object.ts';

export interface ProviderRule {
  /** The provider's usage object in OpenAI's shape and with OpenAI's meaning. `model`: as the answer names it. */
  readonly asOpenai: (usage: JsonObject, model: string) => JsonObject;
  /** Units beside the tokens, where the object states them. */
  readonly units?: (usage: JsonObject) => Partial<Usage>;
  /** Units that are billed and that no class holds. */
  readonly unclassified?: readonly string[];
  /** Its streams state usage more than once, each time up to there. */
  readonly repeatsUsage?: boolean;
  /** Its streams state usage unasked, or it refuses to be asked. */
  readonly statesUnasked?: boolean;
  /** Every stream of it ends with `[DONE]`; of others some do not, and the finish reason ends them. */
  readonly marksEnd?: boolean;
  /** Its streams state usage inside the choice that finishes. */
  readonly usageInChoice?: boolean;
}

const INPUT_DETAILS = 'prompt_tokens_details';
const OUTPUT_DETAILS = 'completion_tokens_details';

const OPENAI: ProviderRule = { asOpenai: withTotalReached, marksEnd: true };
/** Of whom nothing is known but that it is compatible. */
const COMPATIBLE: ProviderRule = { asOpenai: withTotalReached };

/** Cached tokens stand beside the totals; a stream states usage in its choice (https://platform.moonshot.ai/docs/api/chat). */
const MOONSHOT: ProviderRule = {
  asOpenai: (usage) => withDetail(usage, INPUT_DETAILS, 'cached_tokens', usage['cached_tokens']),
  usageInChoice: true,
};

/** Each `asOpenai` says what differs, and where it is written or was seen. */
const RULES: Readonly<Record<string, ProviderRule>> = {
  azure: OPENAI,
  /** `prompt_cache_hit_tokens` are the part of the prompt that was cached; older answers have no details. Streams end with usage unasked, and once repeated it
   *  (https://api-docs.deepseek.com/api/create-chat-completion). */
  deepseek: {
    asOpenai: (usage) => withDetail(usage, INPUT_DETAILS, 'cached_tokens', usage['prompt_cache_hit_tokens']),
    repeatsUsage: true,
    statesUnasked: true,
  },
  /** The finishing chunk always has usage; being asked for it was refused as an extra input (https://docs.fireworks.ai/tools-sdks/openai-compatibility). */
  fireworks: { asOpenai: withTotalReached, statesUnasked: true },
  google: { asOpenai: withHiddenThoughts },
  /** Usage stands in `x_groq` of the last chunk, whether asked for or not (https://console.groq.com/docs/api-reference#chat). */
  groq: { asOpenai: withTotalReached, repeatsUsage: true, statesUnasked: true },
  /** Passes on what the provider behind it says, Groq's repetition too (https://huggingface.co/docs/inference-providers). */
  huggingface: { asOpenai: withTotalReached, repeatsUsage: true },
  /** Audio stands beside the prompt: `prompt_tokens` are text, the total alone holds the audio's tokens. Its seconds are billed as well. A request with a member that it does not know is refused,
   *  and a stream ends with usage unasked (https://docs.mistral.ai/api, https://docs.mistral.ai/capabilities/audio). */
  mistral: {
    asOpenai: (usage) => withAudioOnTop(withNames(withDetail(usage, INPUT_DETAILS, 'cached_tokens', usage['num_cached_tokens']))),
    units: ({ prompt_audio_seconds: seconds }) => (isCount(seconds) ? { audio_seconds: seconds } : {}),
    statesUnasked: true,
  },
  moonshot: MOONSHOT,
  moonshotai: MOONSHOT,
  openai: OPENAI,
  /** Every answer has usage, asked for or not (https://openrouter.ai/docs/use-cases/usage-accounting); searches of its server tools stand beside the tokens. */
  openrouter: {
    asOpenai: withTotalReached,
    units: ({ server_tool_use: tools }) => searches(isJsonObject(tools) ? tools['web_search_requests'] : undefined),
    statesUnasked: true,
  },
  /** Every chunk has the usage up to there. Deep research reasons outside `completion_tokens` and the total, and bills its searches and the tokens of what it cites by rates of their own
   *  (https://docs.perplexity.ai/getting-started/pricing). */
  perplexity: {
    asOpenai: (usage) => reasoningOnTop(withDetail(usage, OUTPUT_DETAILS, 'reasoning_tokens', usage['reasoning_tokens'])),
    units: ({ num_search_queries: queries }) => searches(queries),
    unclassified: ['citation_tokens'],
    repeatsUsage: true,
    statesUnasked: true,
  },
  /** Cached tokens stand beside the totals (https://docs.together.ai/reference/chat-completions-1). */
  together: { asOpenai: (usage) => withDetail(usage, INPUT_DETAILS, 'cached_tokens', usage['cached_tokens']) },
  /** Gemini's thoughts stand on top, outside the total too, though they are billed: the answer's own `cost` is reached only with them. Cache writes have Anthropic's name
   *  (https://vercel.com/docs/ai-gateway/openai-compat). */
  vercel: {
    asOpenai: (usage, model) => {
      const named = withDetail(usage, INPUT_DETAILS, 'cache_write_tokens', usage['cache_creation_input_tokens']);
      return model.startsWith('google/') ? reasoningOnTop(named) : withTotalReached(named);
    },
  },
  vertex: { asOpenai: withHiddenThoughts },
  /** Names the details in the singular, and ends streams without a mark (https://dev.writer.com/api-reference/completion-api/chat-completion). */
  writer: { asOpenai: withNames },
  /** Reasoning stands on top of `completion_tokens`, and the total has both (https://docs.x.ai/docs/guides/reasoning). Sources of its live search are billed. */
  xai: { asOpenai: (usage) => (totalBeyondParts(usage) === 0 ? usage : reasoningOnTop(usage)), unclassified: ['num_sources_used'] },
};

/** `provider`: a channel's; `''`: the surface's own. */
export function providerRule(provider: string): ProviderRule {
  if (provider === '') return OPENAI;
  return (Object.hasOwn(RULES, provider) ? RULES[provider] : undefined) ?? COMPATIBLE;
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function detailAt(usage: JsonObject, details: string, name: string): unknown {
  const holder = usage[details];
  return isJsonObject(holder) ? holder[name] : undefined;
}

/** With `value` where OpenAI has that detail; unchanged when it is there already, or there is no value. */
function withDetail(usage: JsonObject, details: string, name: string, value: unknown): JsonObject {
  const holder = usage[details] ?? {};
  if (value === undefined || value === null || !isJsonObject(holder)) return usage;
  const stated = holder[name];
  return stated === undefined || stated === null ? { ...usage, [details]: { ...holder, [name]: value } } : usage;
}

/** Some providers name the details `prompt_token_details`. */
function withNames(usage: JsonObject): JsonObject {
  const input = usage[INPUT_DETAILS] ?? usage['prompt_token_details'];
  const output = usage[OUTPUT_DETAILS] ?? usage['completion_token_details'];
  return { ...usage, [INPUT_DETAILS]: input, [OUTPUT_DETAILS]: output };
}

function reasoningOnTop(usage: JsonObject): JsonObject {
  const reasoning = detailAt(usage, OUTPUT_DETAILS, 'reasoning_tokens');
  const completion = usage['completion_tokens'];
  return isCount(reasoning) && isCount(completion) ? { ...usage, completion_tokens: completion + reasoning } : usage;
}

/** Null where one of them is not stated. */
function totalBeyondParts({ prompt_tokens: prompt, completion_tokens: completion, total_tokens: total }: JsonObject): number | null {
  return isCount(prompt) && isCount(completion) && isCount(total) ? total - prompt - completion : null;
}

/** Parts that stand on top where OpenAI's are inside give themselves away by a total that is only reached with them, as of Grok on Azure. */
function withTotalReached(usage: JsonObject): JsonObject {
  const beyond = totalBeyondParts(usage);
  if (beyond === null || beyond <= 0) return usage;
  const reasoning = detailAt(usage, OUTPUT_DETAILS, 'reasoning_tokens');
  if (beyond === reasoning) return reasoningOnTop(usage);
  const cached = detailAt(usage, INPUT_DETAILS, 'cached_tokens');
  if (!isCount(cached) || cached === 0) return usage;
  if (beyond === cached) return cachedOnTop(usage, cached);
  return isCount(reasoning) && beyond === cached + reasoning ? cachedOnTop(reasoningOnTop(usage), cached) : usage;
}

function cachedOnTop(usage: JsonObject, cached: number): JsonObject {
  return { ...usage, prompt_tokens: (usage['prompt_tokens'] as number) + cached };
}

/** Gemini behind its OpenAI-compatible endpoint: thoughts are in no member but the total (https://ai.google.dev/gemini-api/docs/openai; Gemini's own `totalTokenCount` holds prompt, answer and
 *  thoughts: https://ai.google.dev/api/generate-content#UsageMetadata). */
function withHiddenThoughts(usage: JsonObject): JsonObject {
  const stated = { ...usage, completion_tokens: usage['completion_tokens'] ?? 0 };
  const thoughts = totalBeyondParts(stated);
  if (thoughts === null || thoughts <= 0) return usage;
  return reasoningOnTop(withDetail(stated, OUTPUT_DETAILS, 'reasoning_tokens', thoughts));
}

function withAudioOnTop(usage: JsonObject): JsonObject {
  const { prompt_audio_seconds: seconds, prompt_tokens: prompt } = usage;
  const audio = totalBeyondParts(usage);
  if (audio === null || audio <= 0 || !isCount(seconds) || seconds === 0) return usage;
  return withDetail({ ...usage, prompt_tokens: (prompt as number) + audio }, INPUT_DETAILS, 'audio_tokens', audio);
}

function searches(requests: unknown): Partial<Usage> {
  return isCount(requests) ? { web_search_requests: requests } : {};
}
