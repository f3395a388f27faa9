/** Codes of this package, and what each means. Held together with docs/errors.md by a test. */
export const ERRORS = {
  JOURNAL_LOCKED: 'Another process owns the journal: stop that process, or give each ingress a journal directory of its own.',
} as const;
