/** The text of a virtual key: what a client sends, shown once and kept nowhere. */
import { randomBytes } from 'node:crypto';

const PREFIX = 'tlk_';
/** 256 bits. */
const RANDOM_BYTES = 32;

/** Shorter ones, which only people make, are refused. */
export const KEY_LENGTH_MIN = 20;

/** `random`: 32 bytes that nobody can guess. Gives `tlk_` and 43 of A-Z, a-z, 0-9, dash, underscore. */
export function keyText(random: Uint8Array): string {
  return `${PREFIX}${Buffer.from(random).toString('base64url')}`;
}

export function generateKeyText(): string {
  return keyText(randomBytes(RANDOM_BYTES));
}
