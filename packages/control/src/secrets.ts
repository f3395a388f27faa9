/** Secrets by reference: `env:NAME` or `file:PATH`. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { AppError } from '@tokenledger/domain';

export type SecretReader = (reference: string) => string;

/** Reads secrets from the given environment and from files relative to `directory`. Throws `SECRET_MISSING`. */
export function secretReader(environment: Readonly<Record<string, string | undefined>>, directory: string): SecretReader {
  return (reference) => {
    const colon = reference.indexOf(':');
    const scheme = reference.slice(0, colon);
    const name = reference.slice(colon + 1);
    if (scheme === 'env') return fromEnvironment(environment, name);
    return fromFile(resolve(directory, name));
  };
}

function fromEnvironment(environment: Readonly<Record<string, string | undefined>>, name: string): string {
  const value = environment[name];
  if (value === undefined || value === '') {
    throw new AppError('SECRET_MISSING', `the environment variable ${name} is not set: export it before the start`);
  }
  return value;
}

function fromFile(path: string): string {
  let value: string;
  try {
    value = readFileSync(path, 'utf8').trim();
  } catch (cause) {
    throw new AppError('SECRET_MISSING', `the secret file ${path} cannot be read: create it, readable by this user only`, { cause });
  }
  if (value === '') throw new AppError('SECRET_MISSING', `the secret file ${path} is empty: write the secret into it`);
  return value;
}
