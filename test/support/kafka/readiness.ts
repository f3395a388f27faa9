/** Whether a broker answers a client: it names itself and its controller. */
import { connect } from 'node:net';
import { WireReader, WireWriter, frame } from './wire.ts';

const METADATA = 3;
const METADATA_VERSION = 1;
const ANSWER_MS_MAX = 2_000;

/** `brokers`: host:port, with commas between; the first one is asked. */
export function answers(brokers: string): Promise<boolean> {
  const [host = '', port = ''] = (brokers.split(',')[0] ?? '').trim().split(/:(?=\d+$)/);
  return new Promise((resolve) => {
    const socket = connect({ host: host.replace(/^\[|\]$/g, ''), port: Number(port) });
    const settle = (value: boolean): void => {
      socket.destroy();
      resolve(value);
    };
    let received: Buffer = Buffer.alloc(0);
    socket.setTimeout(ANSWER_MS_MAX, () => settle(false));
    socket.on('error', () => settle(false)).on('close', () => settle(false));
    // No topics: only who is there.
    socket.write(frame(new WireWriter().int16(METADATA).int16(METADATA_VERSION).int32(1).string('tokenledger-tests').int32(0)));
    socket.on('data', (chunk: Buffer) => {
      received = Buffer.concat([received, chunk]);
      if (received.length >= 4 && received.length >= 4 + received.readInt32BE(0)) settle(isComplete(new WireReader(received, 4)));
    });
  });
}

function isComplete(answer: WireReader): boolean {
  answer.int32();
  const nodes = answer.array(() => {
    const node = answer.int32();
    answer.string();
    answer.int32();
    answer.nullableString();
    return node;
  });
  return nodes.length > 0 && nodes.includes(answer.int32());
}
