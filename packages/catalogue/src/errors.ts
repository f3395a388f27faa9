/** Codes of the model catalogue. */
export const ERRORS = {
  CATALOGUE_INVALID: 'The file is no catalogue of models; the message names the places that are wrong. See docs/models.md.',
} as const;
