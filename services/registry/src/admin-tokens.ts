/** Admin tokens: who a request comes from, and what it may do. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { Scope, SecretReader } from '@tokenledger/control';
import { AppError } from '@tokenledger/domain';
import type { RegistryConfig } from './config.ts';

export interface Admin {
  /** Stands in the audit. */
  readonly name: string;
  readonly scopes: ReadonlySet<Scope>;
}

export interface AdminTokens {
  /** Of `Authorization: Bearer TOKEN`. Takes as long for an unknown token as for a known one. */
  find(authorization: string | undefined): Admin | undefined;
}

const TOKEN_LENGTH_MIN = 20;
const BEARER = /^bearer +(\S+)\s*$/i;

/** Throws `ADMIN_TOKEN_INVALID`, `SECRET_MISSING`. */
export function adminTokens(configured: RegistryConfig['tokens'], readSecret: SecretReader): AdminTokens {
  const known: { readonly hash: Buffer; readonly admin: Admin }[] = [];
  for (const { name, token, scopes } of configured) {
    const text = readSecret(token);
    if (text.length < TOKEN_LENGTH_MIN) {
      throw invalid(`admin token '${name}' has ${text.length} characters: use at least ${TOKEN_LENGTH_MIN}`);
    }
    const hash = sha256(text);
    const other = known.find((one) => one.admin.name === name || one.hash.equals(hash));
    if (other !== undefined) throw invalid(`admin tokens '${other.admin.name}' and '${name}' have one name or one text`);
    known.push({ hash, admin: { name, scopes: new Set(scopes) } });
  }
  return {
    find(authorization) {
      const text = authorization === undefined ? undefined : BEARER.exec(authorization)?.[1];
      if (text === undefined) return undefined;
      const hash = sha256(text);
      let found: Admin | undefined;
      // All of them, always: how long it takes says nothing of which one it was.
      for (const one of known) if (timingSafeEqual(one.hash, hash)) found = one.admin;
      return found;
    },
  };
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

function invalid(message: string): AppError {
  return new AppError('ADMIN_TOKEN_INVALID', message);
}
