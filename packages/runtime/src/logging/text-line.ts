/** A log line for people: `12:03:04.567 warn  writer  ClickHouse does not answer  attempt=2`. */

const LEVELS: Readonly<Record<number, string>> = { 10: 'trace', 20: 'debug', 30: 'info', 40: 'warn', 50: 'error', 60: 'fatal' };
const ERROR_LEVEL = 50;
const SHOWN_ELSEWHERE = new Set(['level', 'time', 'msg', 'role', 'err']);

/** Turns one line of pino's JSON into text; gives a line that is not JSON back as it is. */
export function textLine(json: string): string {
  const fields = parseFields(json);
  if (fields === undefined) return json;
  const time = typeof fields['time'] === 'number' ? new Date(fields['time']).toISOString().slice(11, 23) : '';
  const level = (LEVELS[Number(fields['level'])] ?? 'info').padEnd(5);
  const role = typeof fields['role'] === 'string' ? fields['role'] : '';
  const rest = Object.entries(fields)
    .filter(([name]) => !SHOWN_ELSEWHERE.has(name))
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`);
  const line = [time, level, role, typeof fields['msg'] === 'string' ? fields['msg'] : '', ...rest]
    .filter((part) => part !== '')
    .join('  ');
  return `${line}${errorText(fields['err'], Number(fields['level']))}\n`;
}

function parseFields(json: string): Record<string, unknown> | undefined {
  try {
    const value = JSON.parse(json) as unknown;
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined; // shown as it came: a line must never be lost to its own format
  }
}

/** A stack helps with what should not have happened; what is tried again is told by its message. */
function errorText(error: unknown, level: number): string {
  if (typeof error !== 'object' || error === null) return '';
  const { stack, message } = error as { readonly stack?: unknown; readonly message?: unknown };
  const text = typeof stack === 'string' && level >= ERROR_LEVEL ? stack : message;
  return typeof text !== 'string' || text === '' ? '' : `\n    ${text.replaceAll('\n', '\n    ')}`;
}
