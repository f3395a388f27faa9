/** Keyed hashes of prompts and tool calls: equal prompts can be seen to be equal, and nobody without the key can find out what they were. */
import { createHmac, createSecretKey } from 'node:crypto';

const HEX_LENGTH = 32;

/** HMAC-SHA-256, the first 128 bits as hex; `''` for nothing. */
export type Fingerprint = (content: Buffer | string) => string;

export function fingerprinter(secret: Uint8Array): Fingerprint {
  const key = createSecretKey(secret);
  return (content) => (content.length === 0 ? '' : createHmac('sha256', key).update(content).digest('hex').slice(0, HEX_LENGTH));
}
