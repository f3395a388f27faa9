/** Requests that are texts without framing: completions, embeddings, generation from one prompt. A client may send tokens in place of text. */
import type { JsonObject } from '../json-value.ts';
import { notCountable, type Prompt } from './prompt.ts';

/** `key`: the member that holds a text, a list of texts, or tokens, in one list or several. */
export function readPlainTexts(body: JsonObject, key: string): Prompt {
  const input = body[key];
  if (typeof input === 'string') return { kind: 'texts', texts: [input], encodedTokens: 0 };
  if (!Array.isArray(input)) return notCountable('not_json');
  const texts: string[] = [];
  let encodedTokens = 0;
  for (const each of input as readonly unknown[]) {
    if (typeof each === 'string') texts.push(each);
    else if (typeof each === 'number') encodedTokens += 1;
    else if (Array.isArray(each) && each.every((token) => typeof token === 'number')) encodedTokens += each.length;
    else return notCountable('not_countable_media');
  }
  return { kind: 'texts', texts, encodedTokens };
}
