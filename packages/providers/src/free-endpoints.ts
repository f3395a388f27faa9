/** Calls that cost nothing, or whose cost is reported with what they lead to: passed through with a metric and no event.
 *
 *  - Lists of models: https://platform.openai.com/docs/api-reference/models, https://docs.anthropic.com/en/api/models-list, https://ai.google.dev/api/models,
 *    https://docs.cohere.com/reference/list-models, https://github.com/ollama/ollama/blob/main/docs/api.md.
 *  - Moderations: "The moderation endpoint is free to use" (https://platform.openai.com/docs/guides/moderation).
 *  - Counting tokens: "Token counting is free to use" (https://docs.anthropic.com/en/docs/build-with-claude/token-counting),
 *    https://ai.google.dev/api/tokens, https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html,
 *    https://docs.cohere.com/reference/tokenize, https://platform.openai.com/docs/api-reference/responses/input-tokens.
 *  - Files and batches are handed in and looked at for nothing; a batch is billed by its results.
 *  - Stored answers were billed when they were made (https://platform.openai.com/docs/api-reference/responses). */
import type { Endpoint } from './surface.ts';

export interface FreeEndpoint extends Omit<Endpoint, 'method'> {
  readonly method: Endpoint['method'] | 'PUT' | 'PATCH';
  /** Whose API it is, as `Surface.provider` says it. Where several have the path, the `anthropic-version` header tells Anthropic's; otherwise it is the first's. */
  readonly apis: readonly [string, ...string[]];
}

/** `tail` of what is listed is all but `base`, which may be another below a named channel. */
function below(
  base: string,
  apis: FreeEndpoint['apis'],
  ...calls: readonly (readonly [FreeEndpoint['method'], string])[]
): readonly FreeEndpoint[] {
  return calls.map(([method, tail]) => ({ method, path: base + tail, tail, apis }));
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
  ...below(
    '/v1',
    ['openai', 'anthropic'],
    ['GET', '/models'],
    ['GET', '/models/{model}'],
    ['GET', '/files'],
    ['POST', '/files'],
    ['GET', '/files/{file}'],
    ['DELETE', '/files/{file}'],
    ['GET', '/files/{file}/content'],
  ),
  ...below(
    '/v1',
    ['openai'],
    ['DELETE', '/models/{model}'],
    ['POST', '/moderations'],
    ['POST', '/uploads'],
    ['POST', '/uploads/{upload}/parts'],
    ['POST', '/uploads/{upload}/complete'],
    ['POST', '/uploads/{upload}/cancel'],
    ['GET', '/batches'],
    ['POST', '/batches'],
    ['GET', '/batches/{batch}'],
    ['POST', '/batches/{batch}/cancel'],
    ['POST', '/responses/input_tokens'],
    ['GET', '/responses/{response}'],
    ['DELETE', '/responses/{response}'],
    ['POST', '/responses/{response}/cancel'],
    ['GET', '/responses/{response}/input_items'],
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
    ['POST', '/messages/batches'],
    ['GET', '/messages/batches/{batch}'],
    ['DELETE', '/messages/batches/{batch}'],
    ['POST', '/messages/batches/{batch}/cancel'],
    ['GET', '/messages/batches/{batch}/results'],
  ),
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
