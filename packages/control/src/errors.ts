/** Codes of this package. Held together with docs/errors.md by a test. */
export const ERRORS = {
  DOCUMENT_DUPLICATE: 'Two documents of one kind have the same id, or two keys the same secret: rename or remove one of them.',
  KEY_HASH_SECRET_MISMATCH:
    'The process was started with another key hash secret than the one that keys are hashed with, so no key would be known: start with the right one, or rotate it as docs/control.md says.',
  KEY_HASH_SECRET_MISSING:
    'A key is hashed with a secret of an earlier generation that this process was not given, so the key is refused: rotate the key, or set `control.key_hash_secret_previous`.',
  REFERENCE_MISSING: 'A document names another one that does not exist: add it or correct the name.',
  SECRET_MISSING:
    'A secret that a document refers to is not there: set the environment variable or create the file that the message names.',
  SECRET_WEAK: 'A virtual key is too short to be safe: use at least 20 characters.',
} as const;
