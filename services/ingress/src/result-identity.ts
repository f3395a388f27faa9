/** Names of what providers identify: the same in every ingress, computed from what the answer says and from nothing else. */
import { createHash } from 'node:crypto';
import { uuidv8 } from '@tokenledger/domain';

export interface ResultAccount {
  readonly provider: string;
  /** The channel stands for the account. */
  readonly channelId: string;
}

/** Characters of a file name; what is longer, or has others, is hashed. */
const PLAIN_NAME = /^[\w-][\w.-]{0,63}$/;
const PARTS = 3;

/** `PROVIDER/CHANNEL/NAME`: who numbers the results that the provider has under this name. */
export function resultSource({ provider, channelId }: ResultAccount, name: string): string {
  return `${provider}/${channelId}/${PLAIN_NAME.test(name) ? name : `sha256-${digest(name).toString('base64url')}`}`;
}

/** Whether a source is one of these: an ingress's own has two parts. */
export function isResultSource(source: string): boolean {
  return source.split('/').length === PARTS;
}

export function resultPartition(source: string, partitions: number): number {
  return digest(source).readUInt32BE(0) % partitions;
}

export function resultEventId(source: string, sequence: number): string {
  return uuidv8(digest(`${source}\n${sequence}`));
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
