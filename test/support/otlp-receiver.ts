/** An OTLP/HTTP receiver that keeps the spans it was sent. It reads the protobuf wire format by itself, so that what is tested is what went over the wire.
 *  Field numbers: opentelemetry-proto, trace/v1/trace.proto and common/v1/common.proto. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import { gunzipSync } from 'node:zlib';

type OtlpValue = string | number | boolean | readonly OtlpValue[];

export interface OtlpSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string;
  readonly name: string;
  readonly kind: 'server' | 'client' | 'other';
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly failed: boolean;
  readonly attributes: Readonly<Record<string, OtlpValue>>;
  readonly resource: Readonly<Record<string, OtlpValue>>;
}

export interface OtlpReceiver extends AsyncDisposable {
  readonly url: string;
  readonly spans: OtlpSpan[];
  readonly requests: { readonly path: string; readonly headers: IncomingHttpHeaders }[];
  /** How the following requests are answered; what is not answered 200 is not kept. */
  answer: (response: ServerResponse) => void;
}

export async function otlpReceiver(): Promise<OtlpReceiver> {
  const spans: OtlpSpan[] = [];
  const requests: OtlpReceiver['requests'] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      requests.push({ path: request.url ?? '', headers: request.headers });
      receiver.answer(response);
      const body = Buffer.concat(chunks);
      if (response.statusCode === 200) spans.push(...readRequest(request.headers['content-encoding'] === 'gzip' ? gunzipSync(body) : body));
    });
  });
  const receiver = {
    url: '',
    spans,
    requests,
    answer: (response: ServerResponse): void => void response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end(),
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  receiver.url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`;
  return receiver;
}

interface Field {
  readonly number: number;
  /** A varint or fixed number, else the bytes of a string or a message. */
  readonly value: bigint | Buffer;
}

function readFields(bytes: Buffer): readonly Field[] {
  const fields: Field[] = [];
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes.readUInt8(at++);
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < bytes.length) {
    const tag = Number(varint());
    const number = tag >>> 3;
    switch (tag & 7) {
      case 0:
        fields.push({ number, value: varint() });
        break;
      case 1:
        fields.push({ number, value: bytes.readBigUInt64LE(at) });
        at += 8;
        break;
      case 2: {
        const length = Number(varint());
        fields.push({ number, value: bytes.subarray(at, at + length) });
        at += length;
        break;
      }
      case 5:
        fields.push({ number, value: BigInt(bytes.readUInt32LE(at)) });
        at += 4;
        break;
      default:
        throw new Error(`wire type ${tag & 7} at byte ${at}`);
    }
  }
  return fields;
}

function messages(fields: readonly Field[], number: number): readonly (readonly Field[])[] {
  return fields.filter((field) => field.number === number).map(({ value }) => readFields(value as Buffer));
}

function one(fields: readonly Field[], number: number): bigint | Buffer | undefined {
  return fields.findLast((field) => field.number === number)?.value;
}

const text = (value: bigint | Buffer | undefined): string => (value === undefined ? '' : (value as Buffer).toString('utf8'));
const hex = (value: bigint | Buffer | undefined): string => (value === undefined ? '' : (value as Buffer).toString('hex'));
const number = (value: bigint | Buffer | undefined): bigint => (value === undefined ? 0n : (value as bigint));

function readRequest(body: Buffer): readonly OtlpSpan[] {
  return messages(readFields(body), 1).flatMap((resourceSpans) => {
    const resource = readAttributes(messages(resourceSpans, 1)[0] ?? [], 1);
    return messages(resourceSpans, 2).flatMap((scopeSpans) => messages(scopeSpans, 2).map((span) => readSpan(span, resource)));
  });
}

const KINDS: Readonly<Record<string, OtlpSpan['kind']>> = { 2: 'server', 3: 'client' };
const STATUS_ERROR = 2n;

function readSpan(span: readonly Field[], resource: OtlpSpan['resource']): OtlpSpan {
  return {
    traceId: hex(one(span, 1)),
    spanId: hex(one(span, 2)),
    parentSpanId: hex(one(span, 4)),
    name: text(one(span, 5)),
    kind: KINDS[String(number(one(span, 6)))] ?? 'other',
    startNs: number(one(span, 7)),
    endNs: number(one(span, 8)),
    attributes: readAttributes(span, 9),
    failed: number(one(messages(span, 15)[0] ?? [], 3)) === STATUS_ERROR,
    resource,
  };
}

function readAttributes(fields: readonly Field[], at: number): Readonly<Record<string, OtlpValue>> {
  return Object.fromEntries(messages(fields, at).map((pair) => [text(one(pair, 1)), readValue(messages(pair, 2)[0] ?? [])]));
}

function readValue(fields: readonly Field[]): OtlpValue {
  const [field] = fields;
  if (field === undefined) throw new Error('an attribute without a value');
  switch (field.number) {
    case 1:
      return text(field.value);
    case 2:
      return field.value === 1n;
    case 3:
      return Number(BigInt.asIntN(64, field.value as bigint));
    case 4: {
      const bytes = Buffer.alloc(8);
      bytes.writeBigUInt64LE(field.value as bigint);
      return bytes.readDoubleLE();
    }
    case 5:
      return messages(readFields(field.value as Buffer), 1).map(readValue);
    default:
      throw new Error(`an attribute of kind ${field.number}`);
  }
}
