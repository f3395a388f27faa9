/** Codes of what this package refuses. */
export const ERRORS = {
  PRICE_BOOK_INVALID:
    'The price book is not one: the message names each place that is wrong and what belongs there. Correct the file; prices that are in force stay until a valid book replaces them.',
  FACTOR_INVALID:
    'A discount or a markup is no factor. Write digits with at most six decimals, e.g. 0.85 for 15 % off or 1.2 for 20 % on top.',
} as const;
