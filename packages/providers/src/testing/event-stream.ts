/** Writes Amazon's binary event stream, for the readers' tests. */
import { crc32 } from 'node:zlib';
import type { Answer } from './answers.ts';

export const EVENT_STREAM: Answer = { contentType: 'application/vnd.amazon.eventstream' };

const STRING = 7;

export function streamMessage(headers: Readonly<Record<string, string>>, payload: Buffer): Buffer {
  const encoded = Object.entries(headers).map(([name, value]) => {
    const [key, text] = [Buffer.from(name), Buffer.from(value)];
    return Buffer.concat([Buffer.of(key.length), key, Buffer.of(STRING, text.length >> 8, text.length & 0xff), text]);
  });
  return rawMessage(Buffer.concat(encoded), payload);
}

export function rawMessage(headers: Buffer, payload: Buffer): Buffer {
  const prelude = Buffer.alloc(12);
  prelude.writeUInt32BE(headers.length + payload.length + 16, 0);
  prelude.writeUInt32BE(headers.length, 4);
  prelude.writeUInt32BE(crc32(prelude.subarray(0, 8)), 8);
  const body = Buffer.concat([prelude, headers, payload]);
  const checksum = Buffer.alloc(4);
  checksum.writeUInt32BE(crc32(body));
  return Buffer.concat([body, checksum]);
}

/** One event as Bedrock sends it. */
export function streamEvent(name: string, content: unknown): Buffer {
  const headers = { ':event-type': name, ':content-type': 'application/json', ':message-type': 'event' };
  return streamMessage(headers, Buffer.from(JSON.stringify(content)));
}

export function streamException(name: string, message: string): Buffer {
  const headers = { ':exception-type': name, ':content-type': 'application/json', ':message-type': 'exception' };
  return streamMessage(headers, Buffer.from(JSON.stringify({ message })));
}

/** The chunks of an invoked model's stream. */
export function modelChunks(...chunks: readonly unknown[]): Buffer {
  return Buffer.concat(
    chunks.map((chunk) => streamEvent('chunk', { bytes: Buffer.from(JSON.stringify(chunk)).toString('base64'), p: 'abcdefg' })),
  );
}
