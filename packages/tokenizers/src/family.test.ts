import { describe, expect, test } from 'vitest';
import { familyOf, reasonWithoutFamily } from './family.ts';

describe('the family of a model', () => {
  test.each([
    ['gpt-4o-2024-08-06', 'gpt-4o'],
    ['gpt-4.1-nano', 'gpt-4o'],
    ['openai/gpt-4o', 'gpt-4o'],
    ['ft:gpt-4o-mini-2024-07-18:acme::AbC1', 'gpt-4o'],
    ['gpt-35-turbo', 'gpt-4'],
    ['gpt-4-0613', 'gpt-4'],
    ['gpt-5-nano-2025-08-07', 'gpt-5'],
    ['gpt-5-chat-latest', 'gpt-4o'],
    ['o4-mini', 'o-series'],
    ['openai/gpt-oss-20b', 'gpt-oss'],
    ['text-embedding-3-small', 'cl100k'],
    ['claude-3-5-haiku-latest', 'claude'],
    ['claude-sonnet-4-20250514', 'claude'],
    ['us.anthropic.claude-sonnet-4-5-20250929-v1:0', 'claude-4.5'],
    ['anthropic/claude-4.5-haiku-20251001', 'claude-4.5'],
    ['anthropic/claude-sonnet-4.5', 'claude-4.5'],
    ['claude-opus-4-7', 'claude-new'],
    ['models/gemini-2.5-flash', 'gemini'],
    ['gemma3:1b', 'gemma3'],
    ['llama3-8b-8192', 'llama3'],
    ['meta.llama3-2-1b-instruct-v1:0', 'llama3.x'],
    ['meta-llama/Llama-3.2-1B-Instruct', 'llama3.x'],
    ['deepseek-chat', 'deepseek'],
    ['Qwen/Qwen3-8B', 'qwen'],
    ['command-r-08-2024', 'command-r'],
  ])('%s is %s', (model, family) => {
    expect(familyOf(model)?.name).toBe(family);
  });

  test.each([
    '',
    'my-deployment',
    'grok-4',
    'llama-4-scout',
    'gemini-embedding-001',
    'command',
    'amazon.nova-lite-v1:0',
    '/'.repeat(10_000),
  ])('%.20s has none', (model) => {
    expect(familyOf(model)).toBeUndefined();
  });

  test.each([
    'x-ai/grok-4.1-fast',
    'moonshotai/kimi-k2.5',
    'z-ai/glm-5-turbo',
    'us.amazon.nova-lite-v1:0',
    'meta.llama2-13b-chat-v1',
    'command',
    'mistral-tiny',
    'palmyra-x4',
  ])('of %s is known to have no vocabulary', (model) => {
    expect([familyOf(model), reasonWithoutFamily(model)]).toEqual([undefined, 'no_tokenizer']);
  });

  test('of a name that says nothing is unknown', () => {
    expect(reasonWithoutFamily('my-deployment')).toBe('model_unknown');
  });
});
