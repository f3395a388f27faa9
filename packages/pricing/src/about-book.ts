/** Number, author, note and time of a price book, from its text alone: without reading its thousands of prices. */
import { parse } from 'yaml';
import { type AboutBook, aboutBook } from './book-schema.ts';

/** From `about` at the left margin to the next name there. */
const ABOUT = /^about:[^\n]*\n?(?:[ \t#][^\n]*\n?|\n)*/m;
const NOTHING: AboutBook = Object.freeze({ author: '', note: '' });

/** What the text says of itself; nothing for what is no price book. */
export function aboutBookText(text: string): AboutBook {
  try {
    const written: unknown = text.trimStart().startsWith('{')
      ? JSON.parse(text)
      : parse(ABOUT.exec(text)?.[0] ?? '', { schema: 'failsafe' });
    const about: unknown = typeof written === 'object' && written !== null ? Reflect.get(written, 'about') : undefined;
    return aboutBook.safeParse(texts(about)).data ?? NOTHING;
  } catch {
    // It is refused, with every place, when it is to become a document.
    return NOTHING;
  }
}

/** JSON may have a number as one. */
function texts(about: unknown): unknown {
  return typeof about === 'object' && about !== null
    ? Object.fromEntries(Object.entries(about).map(([name, value]) => [name, String(value)]))
    : about;
}
