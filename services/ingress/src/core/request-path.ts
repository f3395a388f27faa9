/** A request target, cut into path and query. Pure. */

const ABSOLUTE_FORM = /^[a-z][a-z0-9+.-]*:\/\/[^/?#]*/i;

/** Segments that a provider might resolve, so that another path would be asked for than was looked at; encoded ones and ones with parameters (`..;`) too. An empty segment may be taken for the beginning of a host. */
const UNSAFE = /\/\/|[\\#]|%5c|(?:^|\/|%2f)(?:\.|%2e){1,2}(?:$|[/;]|%2f|%3b)/i;

/** Without query, whatever form the request line had. Undefined where providers might understand it in another way than we do. */
export function pathOf(target: string): string | undefined {
  const begin = target.startsWith('/') ? 0 : (ABSOLUTE_FORM.exec(target)?.[0].length ?? 0);
  const mark = target.indexOf('?', begin);
  const path = target.slice(begin, mark < 0 ? undefined : mark);
  return path.startsWith('/') && !UNSAFE.test(path) ? path : undefined;
}

/** With its question mark; `''`: none. */
export function queryOf(target: string): string {
  const mark = target.indexOf('?');
  return mark < 0 ? '' : target.slice(mark);
}

const KEY = 'key=';

/** Google's clients may send their key in the query. */
export function keyInQuery(query: string): string | undefined {
  const member = members(query).find((text) => text.startsWith(KEY));
  return member === undefined ? undefined : decodeURIComponentOr(member.slice(KEY.length), '');
}

/** All other bytes as they came. */
export function withoutKey(query: string): string {
  if (!query.includes(KEY)) return query;
  const others = members(query).filter((text) => !text.startsWith(KEY));
  return others.length === 0 ? '' : `?${others.join('&')}`;
}

function members(query: string): readonly string[] {
  return query.slice(1).split('&');
}

function decodeURIComponentOr(text: string, otherwise: string): string {
  try {
    return decodeURIComponent(text);
  } catch (error) {
    if (error instanceof URIError) return otherwise;
    throw error;
  }
}
