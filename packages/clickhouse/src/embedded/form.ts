/** Text fields of a `multipart/form-data` body: how clients send what is too long for a URL. https://www.rfc-editor.org/rfc/rfc7578 */
import { EngineError } from './engine-error.ts';

const BOUNDARY = /boundary=(?:"([^"]+)"|([^\s;]+))/i;
const NAME = /(?:^|;)\s*name="([^"]*)"/i;
const FILE_NAME = /(?:^|;)\s*filename\*?=/i;

export function isForm(contentType: string): boolean {
  return contentType.toLowerCase().startsWith('multipart/form-data');
}

/** Throws `EngineError` for a file (an external table) and for a body that is no form. */
export function readForm(body: Buffer, contentType: string): readonly (readonly [name: string, value: string])[] {
  const match = BOUNDARY.exec(contentType);
  const boundary = match?.[1] ?? match?.[2];
  // As latin1, one character per byte: the boundary is ASCII, and so are the headers that matter.
  const parts = boundary === undefined ? [] : `\r\n${body.toString('latin1')}`.split(`\r\n--${boundary}`);
  if (parts.length < 2 || !parts.at(-1)!.startsWith('--'))
    throw EngineError.refusal('BAD_ARGUMENTS', 'the body is not the form that its Content-Type says');
  return parts.slice(1, -1).map((part) => {
    const headEnd = part.indexOf('\r\n\r\n');
    const disposition = /^content-disposition:(.*)$/im.exec(part.slice(0, headEnd))?.[1] ?? '';
    const name = NAME.exec(disposition)?.[1];
    if (headEnd === -1 || name === undefined) throw EngineError.refusal('BAD_ARGUMENTS', 'a part of the form has no name');
    if (FILE_NAME.test(disposition))
      throw EngineError.refusal('NOT_IMPLEMENTED', `External tables are not supported here: the form's field ${name} is a file.`);
    return [name, Buffer.from(part.slice(headEnd + 4), 'latin1').toString('utf8')];
  });
}
