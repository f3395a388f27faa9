/** Messages of Amazon's binary event stream, as Bedrock sends them. */
import { crc32 } from 'node:zlib';

export const EVENT_STREAM_TYPE = 'application/vnd.amazon.eventstream';

export function streamEvent(name: string, content: unknown): Buffer {
  return message({ ':event-type': name, ':content-type': 'application/json', ':message-type': 'event' }, content);
}

export function streamException(name: string, content: unknown): Buffer {
  return message({ ':exception-type': name, ':content-type': 'application/json', ':message-type': 'exception' }, content);
}

/** A part of an invoked model's own stream. */
export function modelChunk(chunk: unknown): Buffer {
  return streamEvent('chunk', { bytes: Buffer.from(JSON.stringify(chunk)).toString('base64') });
}

/** Type of a header whose value is a string. */
const STRING = 7;

function message(named: Readonly<Record<string, string>>, content: unknown): Buffer {
  const headers = Buffer.concat(Object.entries(named).map(([name, value]) => header(name, value)));
  const payload = Buffer.from(JSON.stringify(content));
  const lengths = Buffer.concat([uint32(headers.length + payload.length + 16), uint32(headers.length)]);
  const checked = Buffer.concat([lengths, uint32(crc32(lengths)), headers, payload]);
  return Buffer.concat([checked, uint32(crc32(checked))]);
}

function header(name: string, value: string): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16BE(Buffer.byteLength(value));
  return Buffer.concat([Buffer.of(Buffer.byteLength(name)), Buffer.from(name), Buffer.of(STRING), length, Buffer.from(value)]);
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}
