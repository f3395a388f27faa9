/** A role: one service of the program, started and stopped in order by the lifecycle. */

export type RoleStatus = 'starting' | 'ready' | 'degraded' | 'stopping' | 'stopped' | 'failed';

export interface RoleState {
  readonly status: RoleStatus;
  /** One sentence; `''` when there is nothing to say. */
  readonly detail: string;
}

export interface Role {
  readonly name: string;
  /** Resolves once the role serves. Throws `AppError` with a message that names the fix. */
  start(): Promise<void>;
  /** Stops taking work, finishes what is in hand within `deadlineMs`, lets go of everything. Never throws; says what was left behind. */
  stop(deadlineMs: number): Promise<{ readonly left: string }>;
  state(): RoleState;
}
