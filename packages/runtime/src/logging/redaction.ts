/** Takes secrets out of what is about to be written: by the name they stand under, and by how keys look. */

export const REDACTED = '[redacted]';

/** Names whose value is never written, wherever they stand in a line, also as neighbours in a flat header list. */
const SECRET_NAMES =
  'authorization|proxy-authorization|x-api-key|api-key|api_key|apikey|cookie|set-cookie|password|passwd|secret|client_secret|credential|access_token|refresh_token';

const NAMED_JSON = new RegExp(`("(?:${SECRET_NAMES})"\\s*[:,]\\s*)(?:"(?:[^"\\\\]|\\\\.)*"|\\[[^\\]]*\\])`, 'gi');
const NAMED_TEXT = new RegExp(
  `(\\b(?:${SECRET_NAMES})\\\\?['"]?\\s*[:=]\\s*\\\\?['"]?)(?!\\[redacted\\])(?:(?:bearer|basic)\\s+)?[^\\s'",;&\\\\{}[\\]]+`,
  'gi',
);

/** Shapes of credentials: bearer tokens, provider and Tokenledger keys, AWS ids, Google keys, Slack tokens, JSON web tokens, passwords in URLs. */
const SHAPES: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  [/\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}/gi, `$1 ${REDACTED}`],
  [/\b(?:sk|rk|pk|tlk|whsec|gsk|xai|hf)[-_][A-Za-z0-9_-]{12,}/g, REDACTED],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, REDACTED],
  [/\bAIza[A-Za-z0-9_-]{30,}/g, REDACTED],
  [/\bxox[abeprs]-[A-Za-z0-9-]{10,}/g, REDACTED],
  [/\beyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*/g, REDACTED],
  [/(\b[a-z][a-z0-9+.-]*:\/\/[^\s:/@"]*:)[^\s/@"]+@/gi, `$1${REDACTED}@`],
];

/** Redacts plain text. */
export function redactText(text: string): string {
  return redactShapes(text.replaceAll(NAMED_TEXT, `$1${REDACTED}`));
}

/** Redacts a line of JSON and keeps it JSON. */
export function redactJsonLine(line: string): string {
  return redactShapes(line.replaceAll(NAMED_JSON, `$1"${REDACTED}"`).replaceAll(NAMED_TEXT, `$1${REDACTED}`));
}

function redactShapes(text: string): string {
  let clean = text;
  for (const [pattern, replacement] of SHAPES) clean = clean.replaceAll(pattern, replacement);
  return clean;
}
