/** The version of this program, and a day before which no clock can be right. */
import manifest from '../package.json' with { type: 'json' };

export const VERSION: string = manifest.version;

/** Unix time in milliseconds. */
export const RELEASED_AT = Date.UTC(2026, 10, 1);
