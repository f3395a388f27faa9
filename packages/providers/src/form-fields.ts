/** The text fields of a multipart form (RFC 7578), its files left where they are. */

/** Parts that are looked at. */
const PARTS_MAX = 256;
const PART_HEADERS_BYTES_MAX = 8192;
/** A longer field is none that is asked for. */
const FIELD_BYTES_MAX = 1024;
const BOUNDARY_CHARS_MAX = 70;

const HEADERS_END = Buffer.from('\r\n\r\n');
const DASH = 0x2d;
const NO_FIELDS: ReadonlyMap<string, string> = new Map();

/** Fields by name, of several with one name the last; what is no form has none. Takes one pass over the body. */
export function formFields(body: Buffer, contentType: string): ReadonlyMap<string, string> {
  const boundary = boundaryOf(contentType);
  if (boundary === undefined) return NO_FIELDS;
  const opening = Buffer.from(`--${boundary}`, 'latin1');
  const delimiter = Buffer.from(`\r\n--${boundary}`, 'latin1');
  const fields = new Map<string, string>();
  const first = body.indexOf(opening);
  let at = first < 0 ? body.length : first + opening.length;
  for (let parts = 0; parts < PARTS_MAX && at < body.length; parts++) {
    if (body[at] === DASH && body[at + 1] === DASH) break;
    const headersEnd = body.indexOf(HEADERS_END, at);
    if (headersEnd < 0 || headersEnd - at > PART_HEADERS_BYTES_MAX) break;
    const start = headersEnd + HEADERS_END.length;
    // A part without content ends where its headers do.
    const end = body.indexOf(delimiter, headersEnd + 2);
    if (end < 0) break;
    const name = fieldName(body.toString('latin1', at, headersEnd));
    if (name !== undefined && end - start <= FIELD_BYTES_MAX) fields.set(name, body.toString('utf8', start, Math.max(start, end)));
    at = end + delimiter.length;
  }
  return fields;
}

function boundaryOf(contentType: string): string | undefined {
  if (!contentType.toLowerCase().startsWith('multipart/form-data')) return undefined;
  const found = /;\s*boundary=(?:"([^"]+)"|([^\s;"]+))/i.exec(contentType);
  const boundary = found?.[1] ?? found?.[2];
  return boundary !== undefined && boundary.length <= BOUNDARY_CHARS_MAX ? boundary : undefined;
}

/** Of a part that is no file. */
function fieldName(headers: string): string | undefined {
  const line = headers.split('\r\n').find((header) => header.toLowerCase().startsWith('content-disposition:'));
  if (line === undefined || /;\s*filename\*?=/i.test(line)) return undefined;
  const found = /;\s*name=(?:"([^"]*)"|([^\s;"]+))/i.exec(line);
  return found?.[1] ?? found?.[2];
}
