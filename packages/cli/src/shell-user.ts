/** Who types: for records of who did what. */

/** As the shell names it. A container's user may have no name. */
export function shellUser(): string {
  return process.env['USER'] ?? process.env['LOGNAME'] ?? `user ${process.getuid?.() ?? 'unknown'}`;
}
