/** Recordings that are not replayed, each with what in the recording itself is wrong. */
export const EXCLUDED: Readonly<Record<string, string>> = {};

/** More would hide what the ingress cannot do. */
export const EXCLUDED_MAX = 5;
