/** Codes of this package. Held together with docs/errors.md by a test. */
export const ERRORS = {
  DOCUMENT_DUPLICATE: 'Two documents of one kind have the same id: rename or remove one of them.',
  REFERENCE_MISSING: 'A document names another one that does not exist: add it or correct the name.',
  SECRET_MISSING:
    'A secret that a document refers to is not there: set the environment variable or create the file that the message names.',
  SECRET_WEAK: 'A virtual key is too short to be safe: use at least 20 characters.',
} as const;
