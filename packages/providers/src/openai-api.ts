/** What all of OpenAI's surfaces share, with Azure's way to the same models: paths, credential, shape of errors. */
import { boundedText, isJsonObject, textAt } from './json-object.ts';
import type { Endpoint, Surface } from './surface.ts';

/** The ways to one operation, `path` below the version: OpenAI's own, and Azure's, by deployment and by model
 *  (https://learn.microsoft.com/azure/ai-foundry/openai/reference, https://learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle). */
export function openaiEndpoints(path: string): readonly [Endpoint, ...Endpoint[]] {
  return [
    { method: 'POST', path: `/v1${path}`, tail: path },
    { method: 'POST', path: `/openai/deployments/{deployment}${path}`, tail: `/deployments/{deployment}${path}` },
    { method: 'POST', path: `/openai/v1${path}`, tail: `/openai/v1${path}` },
  ];
}

/** Azure takes keys in a header of its own; a bearer token is an Entra token there. */
export function openaiCredentialHeaders(secret: string, provider: string): Readonly<Record<string, string>> {
  return provider === 'azure' ? { 'api-key': secret } : { authorization: `Bearer ${secret}` };
}

export const openaiErrorBody: Surface['errorBody'] = ({ status, code, message }) =>
  JSON.stringify({ error: { message, type: errorType(status), param: null, code } });

/** OpenAI's own types (https://platform.openai.com/docs/guides/error-codes). */
function errorType(status: number): string {
  if (status === 429) return 'rate_limit_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}

/** `code` says more than `type` (`model_not_found`, `invalid_request_error`); some providers put a number there. */
export function openaiErrorClass(error: unknown): string {
  if (!isJsonObject(error)) return 'unknown_error';
  const code = error['code'];
  if (typeof code === 'number') return String(code);
  if (typeof code === 'string' && code !== '') return boundedText(code);
  return textAt(error, 'type') || 'unknown_error';
}
