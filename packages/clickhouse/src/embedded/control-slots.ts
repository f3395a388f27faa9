/** `KILL QUERY` and questions about `system.processes` have turns of their own, so that they come through when all others are taken. */
export const CONTROL_SLOTS = 2;
