/** Codes of this service. Held together with docs/errors.md by a test. */
export const ERRORS = {
  AGREEMENT_UNUSABLE:
    'A contract, a rate card or a rate of exchange on the control topic cannot be read by this version, so events wait in the log: bring this pricer to the version of the registry.',
  IDENTITY_MISMATCH:
    'A record’s headers name another source or number than its event, so the event is in `dead_letters`. One of them was altered after it was recorded: find out by whom.',
  PRICED_TOO_LARGE:
    'An event with its line items exceeds the largest record of the event log, so it is in `dead_letters` unpriced. Raise the limit of the log, or lower what its producer puts into one event.',
  PRICE_BOOK_UNUSABLE:
    'An activated price book is missing on the control topic or cannot be read by this version, so events wait in the log: bring this pricer to the version of the registry.',
  PRICES_STALE:
    'The control topic could not be read to its end for longer than `pricer.prices_behind_ms_max`, so a price may have been activated that is not known here: events wait in the log. Look at the event log; pricing goes on by itself.',
} as const;
