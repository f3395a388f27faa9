/** The model names that a matcher of the collection stands for, in the kinds that a price book has. */
import type { NamedScope } from '../model-names.ts';
import type { Match } from './data.ts';

export type Names = { readonly [Kind in keyof NamedScope]: string[] };

export const noNames = (): Names => ({ models: [], dated: [], prefixes: [], endings: [], containing: [] });

/** `^name-\d{8}$` and `^name-\d{4}-\d{2}-\d{2}$` are names with a date behind them. */
const DATED_REGEX = /^\^(.+)-\\d(?:\{8\}|\{4\}-\\d\{2\}-\\d\{2\})?\$?$/;
/** A regular expression of literal characters, those that mean something escaped. */
const LITERAL_REGEX = /^(?:[\w\s/:@~=-]|\\[^\w\s])+$/;

/** Throws when a matcher says something that a book cannot. */
export function namesOf(match: Match): Names {
  const names = noNames();
  collect(match, names);
  return names;
}

function collect(match: Match, names: Names): void {
  switch (match.kind) {
    case 'equals':
      names.models.push(match.text);
      return;
    case 'starts_with':
      names.prefixes.push(match.text);
      return;
    case 'ends_with':
      names.endings.push(match.text);
      return;
    case 'contains':
      names.containing.push(match.text);
      return;
    case 'regex':
      collectRegex(match.text, names);
      return;
    case 'or':
      for (const each of match.of) collect(each, names);
      return;
    case 'and':
      // A beginning with an exception: what is excepted has a longer name of its own in the collection.
      for (const each of match.of) if (each.kind !== 'regex' || !each.text.startsWith('^(?!')) collect(each, names);
      return;
    default:
      match satisfies never;
  }
}

function collectRegex(text: string, names: Names): void {
  const dated = DATED_REGEX.exec(text)?.[1];
  const literal = dated ?? text.replace(/^\^/, '').replace(/\$$/, '');
  if (!text.startsWith('^') || !LITERAL_REGEX.test(literal)) throw new Error(`the pattern ${text} is no name that a price book can have`);
  names[dated === undefined ? 'models' : 'dated'].push(literal.replaceAll('\\', ''));
}
