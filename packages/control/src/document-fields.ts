/** Fields that documents of several kinds have. */
import { z } from 'zod';

export const ID = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'must be 1 to 64 of a-z, 0-9, dot, dash, underscore and start with a letter or digit');

/** UTC, to the millisecond. */
export const instant = z.iso.datetime({ precision: 3 });
