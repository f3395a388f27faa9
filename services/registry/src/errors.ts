/** Codes of this service. Held together with docs/errors.md by a test. */
export const ERRORS = {
  ACTIVATION_TOO_SOON:
    'A price book, a contract, a rate card or a rate of exchange is to hold from a moment in the past, or before every pricer has surely heard of it: choose a later moment. What was priced already is corrected by rating it again, not by an activation.',
  ADMIN_TOKEN_INVALID: 'Two admin tokens have one name or one text, or a token is shorter than 20 characters: correct `registry.tokens`.',
  BODY_INVALID: 'The body of a request is not JSON, or not sent as `application/json`.',
  CHANGE_LOST: 'A change did not take effect, since the event log did not take it: nothing was changed; try again.',
  CHANGE_TOO_LARGE: 'A change exceeds `registry.body_bytes_max`, or with its audit what the event log takes at once: split it.',
  CHANGE_UNSETTLED:
    'A change was not read back from the event log in time: it may have taken effect or may do so still. Look for its `change_id` in the audit before trying again.',
  CONFIG_DOCUMENTS_REFUSED:
    'The documents of the config file contradict what is on the control topic, so none of them was applied: correct what the message names.',
  DOCUMENT_EXISTS: 'A key with this id is there already: choose another id, or rotate that key.',
  DOCUMENT_FIXED: 'The change touches what cannot change any more, since events were recorded by it: create another document instead.',
  DOCUMENT_IN_USE: 'Other documents name the one that is to be deleted: delete or change those that the message names first.',
  DOCUMENT_MANAGED_BY_CONFIG: 'The document stands in the config file of the registry: change it there and start the registry again.',
  DOCUMENT_UNKNOWN: 'There is no such document: correct its kind or id.',
  DOCUMENT_VERSION_CONFLICT: 'The document was changed since the caller saw it: look at it again, and repeat the change on what it is now.',
  KEY_REVOKED: 'The key was revoked, which is for good: create another one.',
  KEY_SECRETS_TOO_MANY:
    'The key has as many secrets in force as it may have: wait until one of them has expired, or rotate without overlap.',
  REGISTRY_BUSY: 'More changes wait than `registry.changes_waiting_max`: try again in a moment.',
  REGISTRY_FAILED: 'The registry met an error of its own; its log says which. Whether the change took effect stands in the audit.',
  REGISTRY_NOT_OWNER:
    'This registry does not write at the moment, another one does or is about to: nothing was changed; try again, or ask the one that the message names.',
  INPUT_INVALID: 'A request has a value that is not allowed; `issues` names each by its path.',
  ADMIN_ROUTE_UNKNOWN: 'There is no such path in the admin API: see /openapi.json.',
  SCOPE_MISSING: 'The admin token is not allowed to do this: use one with the scope that the message names.',
  UNAUTHENTICATED: 'The request carries no admin token that is known: send `Authorization: Bearer TOKEN`.',
} as const;
