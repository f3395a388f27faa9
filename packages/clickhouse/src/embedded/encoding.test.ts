import { expect, test } from 'vitest';
import { chooseEncoding, compressBody, expandBody } from './encoding.ts';

const TEXT = Buffer.from('some text, some text, some text. '.repeat(100));

test.each(['gzip', 'zstd', 'br', 'deflate'])('%s comes back as it was', async (encoding) => {
  const small = await compressBody(TEXT, encoding);
  expect(small.length).toBeLessThan(TEXT.length / 5);
  expect(await expandBody(small, encoding, TEXT.length)).toEqual(TEXT);
});

test('a body that expands beyond its limit is refused', async () => {
  const small = await compressBody(TEXT, 'gzip');
  await expect(expandBody(small, 'gzip', TEXT.length - 1)).rejects.toThrow(expect.objectContaining({ engineName: 'TOO_MANY_BYTES' }));
});

test('damaged data and unknown encodings are refused', async () => {
  await expect(expandBody(Buffer.from('not gzip'), 'gzip', 100)).rejects.toThrow(expect.objectContaining({ engineName: 'BAD_ARGUMENTS' }));
  await expect(expandBody(TEXT, 'snappy', 100)).rejects.toThrow(expect.objectContaining({ engineName: 'NOT_IMPLEMENTED' }));
});

test('the best encoding that the client takes is chosen', () => {
  expect(chooseEncoding('deflate, gzip;q=1.0')).toBe('gzip');
  expect(chooseEncoding('br;q=0.5, identity')).toBe('br');
  expect(chooseEncoding('gzip;q=0, deflate')).toBe('deflate');
  expect(chooseEncoding('snappy')).toBe('');
  expect(chooseEncoding('')).toBe('');
});
