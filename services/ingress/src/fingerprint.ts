/** Keyed hashes of prompts and tool calls: equal prompts can be seen to be equal, and nobody without the key can find out what they were. */
import { hash } from 'node:crypto';

const DIGEST_BYTES = 32;
const HEX_LENGTH = 32;

/** 128 bits as hex; `''` for nothing. */
export type Fingerprint = (content: Buffer | string) => string;

/** SHA-256(key ‖ SHA-256(content)): what is hashed with the key has a fixed length, so that nothing can be appended to it. Two one-shot hashes cost
 *  a third of an HMAC object, and this runs for every request. `secret`: 32 bytes at least. */
export function fingerprinter(secret: Uint8Array): Fingerprint {
  const keyed = Buffer.concat([secret, Buffer.alloc(DIGEST_BYTES)]);
  return (content) => {
    if (content.length === 0) return '';
    hash('sha256', content, 'buffer').copy(keyed, secret.length);
    return hash('sha256', keyed, 'hex').slice(0, HEX_LENGTH);
  };
}
