/** CRC-64-AVRO, the fingerprint that names a schema in Avro's single-object encoding (Avro specification 1.12, "Schema Fingerprints"). */

/** The fingerprint of no bytes at all, and the polynomial. */
const EMPTY = 0xc15d_213a_a4d7_a795n;

const TABLE = Array.from({ length: 256 }, (_, byte) => {
  let fingerprint = BigInt(byte);
  for (let bit = 0; bit < 8; bit += 1) {
    fingerprint = (fingerprint >> 1n) ^ ((fingerprint & 1n) === 1n ? EMPTY : 0n);
  }
  return fingerprint;
});

/** Fingerprint of a schema's Parsing Canonical Form in UTF-8, as an unsigned 64-bit integer. */
export function rabinFingerprint(bytes: Uint8Array): bigint {
  let fingerprint = EMPTY;
  for (const byte of bytes) {
    fingerprint = (fingerprint >> 8n) ^ (TABLE[Number((fingerprint ^ BigInt(byte)) & 0xffn)] as bigint);
  }
  return fingerprint;
}
