/** The secrets of a ledger: what virtual keys and prompts are hashed with, and the admin token of `up`. Given by the operator, or made once for a data directory. */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { KeyHashSecrets, SecretReader } from '@tokenledger/control';
import { AppError } from '@tokenledger/domain';
import type { DataLayout } from '@tokenledger/runtime';
import { z } from 'zod';

const SECRET_BYTES = 32;

const reference = z
  .string()
  .regex(/^(env:[A-Za-z_][A-Za-z0-9_]*|file:.+)?$/, 'must be env:NAME, file:PATH or empty')
  .default('');

export const controlConfig = z.strictObject({
  key_hash_secret: reference.describe(
    'Secret that virtual keys are hashed with, by reference; at least 32 characters, the same for every ingress and registry. Empty makes one for the data directory.',
  ),
  key_hash_secret_previous: reference.describe(
    'The secret of before, by reference, while keys that were hashed with it are in use: given beside a new `key_hash_secret` it rotates that one.',
  ),
  fingerprint_secret: reference.describe(
    'Secret that fingerprints of prompts are made with, by reference; at least 32 characters, the same for every ingress. Empty makes one for the data directory.',
  ),
});

export interface LedgerSecrets {
  readonly keyHash: KeyHashSecrets;
  /** Read when it is asked for: a registry has no use for it and need not be given it. Throws `SECRET_MISSING`, `SECRET_WEAK`. */
  readonly fingerprint: () => Uint8Array;
}

/** Throws `SECRET_MISSING`, `SECRET_WEAK`. */
export function ledgerSecrets(config: z.output<typeof controlConfig>, readSecret: SecretReader, layout: DataLayout): LedgerSecrets {
  const given = (option: keyof z.output<typeof controlConfig>): Uint8Array | undefined => {
    if (config[option] === '') return undefined;
    const secret = Buffer.from(readSecret(config[option]));
    if (secret.length >= SECRET_BYTES) return secret;
    throw new AppError('SECRET_WEAK', `control.${option} has ${secret.length} characters: use at least ${SECRET_BYTES}`);
  };
  return {
    keyHash: {
      current: given('key_hash_secret') ?? madeOnce(join(layout.secrets, 'key-hash')),
      previous: given('key_hash_secret_previous'),
    },
    fingerprint: () => given('fingerprint_secret') ?? madeOnce(join(layout.secrets, 'fingerprint')),
  };
}

/** Where `up` keeps a token for its registry, for commands on the same machine. */
export function adminTokenFile(layout: DataLayout): string {
  return join(layout.secrets, 'admin-token');
}

/** Makes it where it is missing. */
export function adminToken(layout: DataLayout): string {
  return madeOnce(adminTokenFile(layout)).toString();
}

function madeOnce(path: string): Buffer {
  if (!existsSync(path)) writeSecretFile(path, randomBytes(SECRET_BYTES).toString('base64url'));
  return Buffer.from(readFileSync(path, 'utf8').trim());
}

/** Readable by this user only. Does not replace a file. */
export function writeSecretFile(path: string, secret: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  writeFileSync(path, `${secret}\n`, { mode: 0o600, flag: 'wx' });
}
