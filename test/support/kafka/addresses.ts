/** Where brokers say that they are reached, in the two answers that say so, replaced: a client behind a proxy would otherwise go around it. */
import { API, type RequestHeader } from './protocol.ts';
import { WireReader, WireWriter } from './wire.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Versions from here on are laid out otherwise (flexible); the client under test speaks none of them. */
const METADATA_VERSION_END = 9;
const FIND_COORDINATOR_VERSION_END = 3;
/** The frame's length and the correlation. */
const HEADER_BYTES = 8;

/** Returns the response (a frame) with each address replaced; one that names none, as it is. */
export async function replaceAddresses(
  request: RequestHeader,
  response: Buffer,
  replace: (address: Address) => Promise<Address>,
): Promise<Buffer> {
  const spans = addressSpans(request, response);
  const parts: Buffer[] = [];
  let at = 0;
  for (const { start, end, address } of spans) {
    const { host, port } = await replace(address);
    parts.push(response.subarray(at, start), new WireWriter().string(host).int32(port).toBuffer());
    at = end;
  }
  if (parts.length === 0) return response;
  const replaced = Buffer.concat([...parts, response.subarray(at)]);
  replaced.writeInt32BE(replaced.length - 4, 0);
  return replaced;
}

interface AddressSpan {
  readonly start: number;
  readonly end: number;
  readonly address: Address;
}

function addressSpans({ api, version }: RequestHeader, response: Buffer): readonly AddressSpan[] {
  const reader = new WireReader(response, HEADER_BYTES);
  if (api === API.metadata) {
    if (version >= METADATA_VERSION_END) throw new Error(`a metadata answer of version ${version} cannot be read here`);
    if (version >= 3) reader.int32();
    return reader.array(() => {
      reader.int32();
      const span = readSpan(reader);
      if (version >= 1) reader.nullableString();
      return span;
    });
  }
  if (api === API.findCoordinator) {
    if (version >= FIND_COORDINATOR_VERSION_END) throw new Error(`a coordinator answer of version ${version} cannot be read here`);
    if (version >= 1) reader.int32();
    const error = reader.int16();
    if (version >= 1) reader.nullableString();
    reader.int32();
    return error === 0 ? [readSpan(reader)] : [];
  }
  return [];
}

function readSpan(reader: WireReader): AddressSpan {
  const start = reader.at;
  const address = { host: reader.string(), port: reader.int32() };
  return { start, end: reader.at, address };
}
