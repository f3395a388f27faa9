/** Codes of this service. Held together with docs/errors.md by a test. */
export const ERRORS = {
  KEY_MISSING:
    'The request carries no virtual key: send it as `Authorization: Bearer KEY`, or where clients of the provider put theirs (`x-api-key`, `api-key`, `x-goog-api-key`).',
  KEY_UNKNOWN: 'The virtual key is unknown or revoked: use a key that is in force, or ask whoever runs the ledger for one.',
  ATTRIBUTION_INVALID: 'An x-tokenledger-* header is unknown or has a value that is not allowed: correct or remove it.',
  MODEL_REFUSED:
    'The model may not be used: a list of the key, its project or its tenant refuses it. Ask for another one, or have `models` of that document changed.',
  TIER_REFUSED:
    'No channel of the tiers that the key, its project or its tenant is confined to serves this request: name such a channel, or have `tiers` of that document or `tier` of a channel changed.',
  BODY_TOO_LARGE: 'The request body is over the limit: send less, or have `ingress.body_bytes_max` raised.',
  ENCODING_UNSUPPORTED: 'The request body is compressed, so it cannot be read: send it without `content-encoding`.',
  CHANNEL_UNUSABLE:
    'The channel that serves this surface has no credential in this ingress: set the variable or create the file that `/readyz` names; it is looked for again every 5 s.',
  CHANNEL_MISSING: 'No channel serves this surface: add one to the documents.',
  OVERLOADED: 'Too many request bytes are in flight: try again after `Retry-After`, or have `ingress.request_bytes_in_flight_max` raised.',
  JOURNAL_FULL:
    'Nothing more can be recorded until the event log takes events again, so nothing is forwarded: try again after `Retry-After`.',
  ROUTE_UNKNOWN: 'This path is not served: see the list of surfaces, or name a channel: `/channels/{channel}/…`.',
  CHANNEL_UNKNOWN: 'The path names a channel that does not exist: correct it, or add the channel to the documents.',
  PATH_INVALID: 'The path has dot segments, empty segments or a backslash, which providers may resolve into another one: send it resolved.',
  UPSTREAM_UNREACHABLE: 'The provider could not be reached or broke the connection: try again; check the base URL of the channel.',
  UPSTREAM_TIMED_OUT: 'The provider did not answer in time: try again, or have `ingress.upstream_headers_timeout_ms` raised.',
  CHANNELS_FULL:
    'Every channel of the route has as many requests in hand as it may: try again after `Retry-After`, or raise `in_flight_max` of the channels.',
  DEADLINE_PASSED:
    'A request ran out of time between two attempts, so none followed: raise `deadline_ms` of its route, or `x-tokenledger-timeout-ms` of the client.',
  HEDGED:
    'Another channel answered first, so this attempt was given up; what it cost is estimated. Nothing to do; see `hedge_after_ms` of the route.',
  PUBLISH_UNCONFIRMED:
    'The event log answered a send without naming where it landed: the send is tried again; look at the log if it goes on.',
  IMPORT_INCOMPLETE:
    'The event log did not acknowledge all of an import in time. What is numbered is kept in the folder `import` of the copy: run the import again.',
  JOURNAL_UNREADABLE:
    'The journal of the ingress cannot be read or written: correct its disk or its permissions, or name another directory in ingress.journal_dir.',
} as const;

export type IngressCode = keyof typeof ERRORS;
