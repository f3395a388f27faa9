import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formFields } from './form-fields.ts';

const TYPE = 'multipart/form-data; boundary=----abc';

function form(...parts: readonly { readonly headers: string; readonly content: string | Buffer }[]): Buffer {
  const pieces = parts.flatMap(({ headers, content }) => [`------abc\r\n${headers}\r\n\r\n`, content, '\r\n']);
  return Buffer.concat([...pieces, '------abc--\r\n'].map((piece) => Buffer.from(piece)));
}

const field = (name: string, content: string): { headers: string; content: string } => ({
  headers: `Content-Disposition: form-data; name="${name}"`,
  content,
});
const fields = (body: Buffer, type = TYPE): Record<string, string> => Object.fromEntries(formFields(body, type));

describe('fields', () => {
  test('are found around files', () => {
    const file = {
      headers: 'Content-Disposition: form-data; name="file"; filename="a\\".mp3"\r\nContent-Type: audio/mpeg',
      content: Buffer.alloc(100_000, 0xff),
    };
    expect(fields(form(field('model', 'whisper-1'), file, field('stream', 'true')))).toEqual({ model: 'whisper-1', stream: 'true' });
  });

  test.each([
    ['a boundary in quotes', 'multipart/form-data; charset=utf-8; boundary="----abc"'],
    ['other letters', 'Multipart/Form-Data; Boundary=----abc'],
  ])('are found with %s', (_what, type) => {
    expect(fields(form(field('model', 'é')), type)).toEqual({ model: 'é' });
  });

  test('may be empty, and of two with one name the last counts', () => {
    expect(fields(form(field('a', ''), field('b', '1'), field('b', '2')))).toEqual({ a: '', b: '2' });
  });

  test('are found after a preamble, with names that are not quoted', () => {
    const body = Buffer.concat([Buffer.from('hello\r\n'), form({ headers: 'content-disposition:form-data;name=model', content: 'm' })]);
    expect(fields(body)).toEqual({ model: 'm' });
  });
});

test.each([
  ['no form', 'application/json'],
  ['no boundary', 'multipart/form-data'],
  ['too long a boundary', `multipart/form-data; boundary=${'b'.repeat(71)}`],
])('there is none with %s', (_what, type) => {
  expect(fields(form(field('model', 'm')), type)).toEqual({});
});

test('what is cut off, too long or too much ends it', () => {
  const body = form(field('model', 'm'), field('stream', 'true'));
  expect(fields(body.subarray(0, body.length - 20))).toEqual({ model: 'm' });
  expect(fields(form(field('a', 'x'.repeat(2000)), field('b', '1')))).toEqual({ b: '1' });
  const many = form(...Array.from({ length: 1000 }, (_, index) => field(`f${index}`, '1')));
  expect(Object.keys(fields(many))).toHaveLength(256);
});

test('any fields come back from their form, and any bytes are read to their end', () => {
  const name = fc.stringMatching(/^[a-z_][a-z_]{0,8}$/);
  const value = fc.string({ maxLength: 40 }).filter((text) => !text.includes('------abc'));
  fc.assert(
    fc.property(fc.dictionary(name, value, { maxKeys: 6, noNullPrototype: true }), (expected) => {
      expect(fields(form(...Object.entries(expected).map(([key, content]) => field(key, content))))).toEqual(expected);
    }),
  );
  const piece = fc.constantFrom('------abc', '\r\n', '\r\n\r\n', '--', 'Content-Disposition: form-data; name="a"', ';', '"', 'x', '\0');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 60 }), (pieces) => {
      expect(formFields(Buffer.from(pieces.join('')), TYPE).size).toBeLessThanOrEqual(256);
    }),
  );
});
