/** Codes of what this package refuses. */
export const ERRORS = {
  PRICE_BOOK_INVALID:
    'The price book is not one: the message names each place that is wrong and what belongs there. Correct the file; prices that are in force stay until a valid book replaces them.',
} as const;
