import { expect, test } from 'vitest';
import { openaiCredentialHeaders, openaiEndpoints, openaiErrorClass } from './openai-api.ts';
import type { RequestFacts } from './surface.ts';
import { SURFACES, type SurfaceName } from './surfaces.ts';

test('Azure wants its keys in a header of its own', () => {
  expect(openaiCredentialHeaders('s', 'azure')).toEqual({ 'api-key': 's' });
  expect(openaiCredentialHeaders('s', 'openai')).toEqual({ authorization: 'Bearer s' });
  expect(openaiCredentialHeaders('s', 'groq')).toEqual({ authorization: 'Bearer s' });
});

test('an operation has OpenAI’s path, and both of Azure’s', () => {
  expect(openaiEndpoints('/embeddings').map(({ path }) => path)).toEqual([
    '/v1/embeddings',
    '/openai/deployments/{deployment}/embeddings',
    '/openai/v1/embeddings',
  ]);
});

test.each<SurfaceName>(['openai.chat', 'openai.completions', 'openai.embeddings', 'openai.speech', 'openai.responses', 'openai.images'])(
  '%s takes the model from the body, else from the deployment in the path',
  (name) => {
    const model = (body: object, path: Readonly<Record<string, string>>): string => {
      const facts = SURFACES[name].readRequest(Buffer.from(JSON.stringify(body)), { injectUsage: true, path });
      return (facts as RequestFacts).model;
    };
    expect(model({ model: 'gpt-4o' }, { deployment: 'ours' })).toBe('gpt-4o');
    expect(model({}, { deployment: 'ours' })).toBe('ours');
    expect(model({ model: '' }, { deployment: 'ours' })).toBe('ours');
    expect(model({ model: 'gpt-4o' }, {})).toBe('gpt-4o');
  },
);

test('an error is told by its code, else by its type', () => {
  expect(openaiErrorClass({ type: 'invalid_request_error', code: 'model_not_found' })).toBe('model_not_found');
  expect(openaiErrorClass({ type: 'invalid_request_error', code: null })).toBe('invalid_request_error');
  expect(openaiErrorClass({ code: 402 })).toBe('402');
  expect(openaiErrorClass('no')).toBe('unknown_error');
});
