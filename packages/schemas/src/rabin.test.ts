import { expect, test } from 'vitest';
import { rabinFingerprint } from './rabin.ts';

// Signed values as the Avro project publishes them: share/test/data/schema-tests.txt of apache/avro.
test.each([
  ['"null"', 7195948357588979594n],
  ['"boolean"', -6970731678124411036n],
  ['"int"', 8247732601305521295n],
  ['"long"', -3434872931120570953n],
  ['"string"', -8142146995180207161n],
  ['[]', -1241056759729112623n],
  ['["int","boolean"]', 5392556393470105090n],
  ['{"name":"foo","type":"fixed","size":15}', 1756455273707447556n],
  ['{"name":"foo","type":"record","fields":[{"name":"f1","type":"boolean"}]}', 7843277075252814651n],
])('the fingerprint of %s is the published one', (canonicalForm, published) => {
  expect(BigInt.asIntN(64, rabinFingerprint(Buffer.from(canonicalForm)))).toBe(published);
});
