/** Calls that cost nothing, or whose cost is reported with what they lead to: passed through with a metric and no event.
 *
 *  - Lists of models: https://platform.openai.com/docs/api-reference/models, https://docs.anthropic.com/en/api/models-list, https://ai.google.dev/api/models,
 *    https://docs.cohere.com/reference/list-models, https://github.com/ollama/ollama/blob/main/docs/api.md.
 *  - Moderations: "The moderation endpoint is free to use" (https://platform.openai.com/docs/guides/moderation). Of other providers it is billed (https://mistral.ai/pricing).
 *  - Counting tokens: "Token counting is free to use" (https://docs.anthropic.com/en/docs/build-with-claude/token-counting),
 *    https://ai.google.dev/api/tokens, https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html,
 *    https://docs.cohere.com/reference/tokenize, https://platform.openai.com/docs/api-reference/responses/input-tokens.
 *  - Files are handed in and looked at for nothing, and so is how a batch stands; it is billed by its results.
 *  - Stored answers were billed when they were made (https://platform.openai.com/docs/api-reference/responses), those made in the background when they are first
 *    seen to be done. */
import type { ResultsKind } from './identified/result-reader.ts';
import type { Endpoint } from './surface.ts';

export interface FreeEndpoint extends Omit<Endpoint, 'method'> {
  readonly method: Endpoint['method'] | 'PUT' | 'PATCH';
  /** Whose API it is, as `Surface.provider` says it. Where several have the path, the `anthropic-version` header tells Anthropic's; otherwise it is that of the named
   *  channel's provider, or the first's. */
  readonly apis: readonly [string, ...string[]];
  /** Providers of channels where it is free; absent: all that speak the API. Elsewhere it may be billed, so that it is passed with an event. */
  readonly providers?: readonly string[];
  /** Whose channel has what is asked for, where several channels of the API are there; absent: the first's. */
  readonly surface?: string;
  /** The answer may hold usage that is counted by a name of the provider's. */
  readonly results?: ResultsKind;
}

/** `tail` of what is listed is all but `base`, which may be another below a named channel. */
function below(
  base: string,
  apis: FreeEndpoint['apis'],
  ...calls: readonly (readonly [FreeEndpoint['method'], string])[]
): readonly FreeEndpoint[] {
  return calls.map(([method, tail]) => ({ method, path: base + tail, tail, apis }));
}

function telling(
  more: Pick<FreeEndpoint, 'providers' | 'surface' | 'results'>,
  endpoints: readonly FreeEndpoint[],
): readonly FreeEndpoint[] {
  return endpoints.map((endpoint) => ({ ...endpoint, ...more }));
}

/** What was handed in to OpenAI, and what has become of it; at Azure as well (https://learn.microsoft.com/azure/ai-foundry/openai/reference). */
function openaiStored(base: string, apis: FreeEndpoint['apis']): readonly FreeEndpoint[] {
  const [responses, batches] = [{ surface: 'openai.responses' }, { surface: 'openai.batches' }];
  return [
    ...telling(
      { ...batches, results: 'batches' },
      below(base, ['openai'], ['GET', '/batches'], ['GET', '/batches/{batch}'], ['POST', '/batches/{batch}/cancel']),
    ),
    ...telling(
      { ...responses, results: 'response' },
      below(base, ['openai'], ['GET', '/responses/{response}'], ['POST', '/responses/{response}/cancel']),
    ),
    ...telling(responses, below(base, ['openai'], ['DELETE', '/responses/{response}'], ['GET', '/responses/{response}/input_items'])),
    ...telling(batches, below(base, apis, ['GET', '/files'], ['POST', '/files'], ['GET', '/files/{file}'], ['DELETE', '/files/{file}'])),
    ...telling({ ...batches, results: 'file' }, below(base, apis, ['GET', '/files/{file}/content'])),
  ];
}

const VERTEX_ROOTS = ['/v1', '/v1beta1'].flatMap((version) => [version, `${version}/projects/{project}/locations/{region}`]);

/** Claude's tokens are counted by a model of that name: "There is no cost for using the count-tokens endpoint"
 *  (https://cloud.google.com/vertex-ai/generative-ai/docs/partner-models/claude/count-tokens). */
const VERTEX_COUNTING: readonly (readonly [FreeEndpoint['method'], string])[] = [
  ['POST', '/publishers/google/models/{model}:countTokens'],
  ['POST', '/publishers/google/models/{model}:computeTokens'],
  ['POST', '/publishers/anthropic/models/count-tokens:rawPredict'],
];

export const FREE_ENDPOINTS: readonly FreeEndpoint[] = [
  ...openaiStored('/v1', ['openai', 'anthropic']),
  ...openaiStored('/openai/v1', ['openai']),
  ...openaiStored('/openai', ['openai']),
  ...below('/v1', ['openai', 'anthropic', 'google', 'cohere'], ['GET', '/models'], ['GET', '/models/{model}']),
  ...['/openai/v1', '/openai'].flatMap((base) => below(base, ['openai'], ['GET', '/models'], ['GET', '/models/{model}'])),
  ...telling({ providers: ['openai'] }, below('/v1', ['openai'], ['POST', '/moderations'])),
  ...below(
    '/v1',
    ['openai'],
    ['DELETE', '/models/{model}'],
    ['POST', '/uploads'],
    ['POST', '/uploads/{upload}/parts'],
    ['POST', '/uploads/{upload}/complete'],
    ['POST', '/uploads/{upload}/cancel'],
    ['POST', '/responses/input_tokens'],
    ['GET', '/chat/completions'],
    ['GET', '/chat/completions/{completion}'],
    ['POST', '/chat/completions/{completion}'],
    ['DELETE', '/chat/completions/{completion}'],
    ['GET', '/chat/completions/{completion}/messages'],
    ['GET', '/conversations/{conversation}'],
    ['GET', '/conversations/{conversation}/items'],
  ),
  ...below(
    '/v1',
    ['anthropic'],
    ['POST', '/messages/count_tokens'],
    ['GET', '/messages/batches'],
    ['GET', '/messages/batches/{batch}'],
    ['DELETE', '/messages/batches/{batch}'],
    ['POST', '/messages/batches/{batch}/cancel'],
  ),
  ...telling({ results: 'message_batch' }, below('/v1', ['anthropic'], ['GET', '/messages/batches/{batch}/results'])),
  ...below(
    '/v1beta',
    ['google'],
    ['GET', '/models'],
    ['GET', '/models/{model}'],
    ['POST', '/models/{model}:countTokens'],
    ['GET', '/files'],
    ['GET', '/files/{file}'],
    ['DELETE', '/files/{file}'],
  ),
  ...below('/v1', ['google'], ['POST', '/models/{model}:countTokens']),
  ...below('/upload/v1beta', ['google'], ['POST', '/files']),
  ...VERTEX_ROOTS.flatMap((root) => below(root, ['vertex'], ...VERTEX_COUNTING)),
  ...below('', ['bedrock'], ['POST', '/model/{model}/count-tokens']),
  ...below('/v1', ['cohere'], ['POST', '/tokenize'], ['POST', '/detokenize']),
  ...below('', ['ollama'], ['GET', '/api/tags'], ['GET', '/api/ps'], ['GET', '/api/version'], ['POST', '/api/show']),
];
