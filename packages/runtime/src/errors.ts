/** Codes of errors that this package throws. */
export const ERRORS = {
  CONFIG_INVALID:
    'A setting is unknown or has a wrong value. The message names the file and line, the variable or the flag; correct it and try `--check-config`.',
  CONFIG_UNREADABLE:
    'The config file cannot be read or is not YAML. Correct the path given with `--config`, or the syntax at the line named.',
  DATA_DIR_IN_USE: 'Another process holds the data directory. Stop it, or give this one a directory of its own with `--data`.',
  DATA_DIR_UNWRITABLE:
    'The data directory cannot be created or written. Correct its permissions, free some disk, or choose another with `--data`.',
  PORT_TAKEN: 'Something listens on the port already. Stop it, or choose another port (0 means any free one).',
  LISTEN_FAILED: 'The address cannot be listened on. Correct the host, or choose a port above 1023.',
  ROLE_UNKNOWN: 'A name given with `--roles` is no role of this program. The message lists the roles there are.',
  START_INTERRUPTED: 'A stop was asked for while starting. What had started was stopped again.',
} as const;
