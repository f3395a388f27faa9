import { describe, expect, test } from 'vitest';
import { withCachedPrompt, withModel, withOutputBound } from './request-changes.ts';

test.each([
  ['{"model":"fast","messages":[]}', '{"model":"gpt-5-mini","messages":[]}'],
  [' { "messages" : [{"model":"inner"}] , "model" : "fast" } ', ' { "messages" : [{"model":"inner"}] , "model" : "gpt-5-mini" } '],
  [String.raw`{"mod\u0065l":"fast"}`, String.raw`{"mod\u0065l":"gpt-5-mini"}`],
  ['{"model":"first","model":"fast"}', '{"model":"first","model":"gpt-5-mini"}'],
  ['{"model":null}', '{"model":"gpt-5-mini"}'],
])('the model of %s is changed, and nothing else', (body, expected) => {
  expect(withModel(Buffer.from(body), 'gpt-5-mini')?.toString()).toBe(expected);
});

test.each(['{"messages":[]}', '[]', '--form\r\nname="model"', ''])('a body that names no model is left alone: %s', (body) => {
  expect(withModel(Buffer.from(body), 'gpt-5-mini')).toBeUndefined();
});

describe('a bound of output of 100', () => {
  const bounded = (surface: string, body: string, provider = 'openai'): string =>
    withOutputBound(Buffer.from(body), surface, provider, 100).toString();

  test.each([
    ['openai.chat', '{"max_tokens":4096,"n":2}', '{"max_tokens":100,"n":2}'],
    ['openai.chat', '{"n":2,"max_completion_tokens":101}', '{"n":2,"max_completion_tokens":100}'],
    ['openai.chat', '{"max_tokens":null}', '{"max_tokens":100}'],
    ['openai.chat', '{"messages":[]}', '{"max_completion_tokens":100,"messages":[]}'],
    ['openai.responses', '{"input":"Hi"}', '{"max_output_tokens":100,"input":"Hi"}'],
    ['anthropic.messages', '{"max_tokens":1e3}', '{"max_tokens":100}'],
    ['google.generate', '{"contents":[]}', '{"generationConfig":{"maxOutputTokens":100},"contents":[]}'],
    ['google.generate', '{"generationConfig":{}}', '{"generationConfig":{"maxOutputTokens":100}}'],
    ['google.generate', '{"generationConfig":{"topK":1}}', '{"generationConfig":{"maxOutputTokens":100,"topK":1}}'],
    ['google.generate', '{"generationConfig":{"max_output_tokens":500}}', '{"generationConfig":{"max_output_tokens":100}}'],
    ['bedrock.converse', '{"inferenceConfig":{"maxTokens":500}}', '{"inferenceConfig":{"maxTokens":100}}'],
    ['ollama.chat', '{"options":{"num_predict":-1}}', '{"options":{"num_predict":100}}'],
    ['openai.chat', '{}', '{"max_completion_tokens":100}'],
  ])('of %s lowers or adds it: %s', (surface, body, expected) => {
    expect(bounded(surface, body)).toBe(expected);
  });

  test('is added by the name that compatible providers know', () => {
    expect(bounded('openai.chat', '{"n":1}', 'mistral')).toBe('{"max_tokens":100,"n":1}');
  });

  test.each([
    ['openai.chat', '{"max_tokens":100}'],
    ['openai.chat', '{"max_tokens":"many"}'],
    ['openai.completions', '{"prompt":"Hi"}'],
    ['anthropic.messages', '{"model":"claude"}'],
    ['google.generate', '{"generationConfig":7}'],
    ['openai.embeddings', '{"input":"Hi"}'],
    ['openai.chat', 'no JSON'],
  ])('leaves %s alone: %s', (surface, body) => {
    const given = Buffer.from(body);
    expect(withOutputBound(given, surface, 'openai', 100)).toBe(given);
  });
});

describe('a prompt is marked for the cache', () => {
  const marked = (surface: string, body: string, provider = 'anthropic'): string =>
    withCachedPrompt(Buffer.from(body), surface, provider).toString();

  test.each([
    ['anthropic.messages', '{"system":"Be kind."}', '{"cache_control":{"type":"ephemeral"},"system":"Be kind."}'],
    [
      'vertex.messages',
      '{"system":"Be \\"kind\\".","tools":[]}',
      '{"system":[{"type":"text","text":"Be \\"kind\\".","cache_control":{"type":"ephemeral"}}],"tools":[]}',
    ],
    [
      'vertex.messages',
      '{"system":[{"type":"text","text":"a"},{"type":"text","text":"b"} ]}',
      '{"system":[{"type":"text","text":"a"},{"type":"text","text":"b","cache_control":{"type":"ephemeral"}} ]}',
    ],
    ['bedrock.converse', '{"system":[{"text":"a"}]}', '{"system":[{"text":"a"},{"cachePoint":{"type":"default"}}]}'],
  ])('of %s: %s', (surface, body, expected) => {
    const changed = marked(surface, body);
    expect(changed).toBe(expected);
    expect(JSON.parse(changed)).toBeTypeOf('object');
    expect(marked(surface, changed)).toBe(expected);
  });

  test.each([
    ['anthropic.messages', '{"messages":[{"content":[{"text":"x","cache_control":{"type":"ephemeral"}}]}]}', 'anthropic'],
    ['anthropic.messages', '{"system":"Be kind."}', 'deepseek'],
    ['openai.chat', '{"messages":[]}', 'openai'],
    ['vertex.messages', '{"messages":[]}', 'vertex'],
    ['vertex.messages', '{"system":""}', 'vertex'],
    ['vertex.messages', '{"system":[]}', 'vertex'],
    ['bedrock.converse', '{"system":[]}', 'bedrock'],
    ['anthropic.messages', '[]', 'anthropic'],
  ])('never in %s: %s of %s', (surface, body, provider) => {
    const given = Buffer.from(body);
    expect(withCachedPrompt(given, surface, provider)).toBe(given);
  });
});
