/** Codes of this package, each with what it means and what to do. */
export const ERRORS = {
  REQUEST_INVALID:
    'The request body is not a JSON object with a `model` of at most 256 characters: send the body as the provider documents it.',
  CREDENTIAL_INVALID:
    'The credential of a channel looks like the JSON key of a service account and is none: give the whole file as Google makes it, with `client_email` and `private_key`.',
} as const;
