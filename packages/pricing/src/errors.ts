/** Codes of what this package refuses. */
export const ERRORS = {
  PRICE_BOOK_INVALID:
    'The price book is not one: the message names each place that is wrong and what belongs there. Correct the file; prices that are in force stay until a valid book replaces them.',
  FACTOR_INVALID:
    'A discount or a markup is no factor. Write digits with at most six decimals, e.g. 0.85 for 15 % off or 1.2 for 20 % on top.',
  PRICES_UNREADABLE:
    'A file of prices is not of the format that was named: `genai-prices` is the data of that project, `litellm` an object of models with `litellm_provider`. Name the other, or get the file again.',
} as const;
