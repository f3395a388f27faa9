/** Refusals as HTTP: which status a code has, and one shape for all of them. */
import type { ErrorAnswer, Issue } from '@tokenledger/control';
import type { z } from 'zod';

/** Refusals that are not about what the request says; all others are 400. What passes by itself is 503, whatever its code. */
const STATUS: Readonly<Record<string, number>> = {
  UNAUTHENTICATED: 401,
  SCOPE_MISSING: 403,
  DOCUMENT_UNKNOWN: 404,
  ADMIN_ROUTE_UNKNOWN: 404,
  DOCUMENT_EXISTS: 409,
  DOCUMENT_FIXED: 409,
  DOCUMENT_IN_USE: 409,
  DOCUMENT_MANAGED_BY_CONFIG: 409,
  DOCUMENT_VERSION_CONFLICT: 409,
  KEY_REVOKED: 409,
  KEY_SECRETS_TOO_MANY: 409,
  CHANGE_TOO_LARGE: 413,
};
const BAD_REQUEST = 400;

export function statusOf(code: string): number {
  return STATUS[code] ?? BAD_REQUEST;
}

export function errorAnswer(code: string, message: string, issues: readonly Issue[] = []): ErrorAnswer {
  return { error: { code, message, issues: [...issues] } };
}

const ISSUES_MAX = 100;

/** What zod found, each by its path: `documents[0].tenant`. */
export function issuesOf({ issues }: z.ZodError): readonly Issue[] {
  return issues.slice(0, ISSUES_MAX).map(({ path, code, message }) => ({ path: pathText(path), code, message }));
}

function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, part) => {
    if (typeof part === 'number') return `${text}[${part}]`;
    return text === '' ? String(part) : `${text}.${String(part)}`;
  }, '');
}
