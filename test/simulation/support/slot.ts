/** The place of one process: started again after each death, as a supervisor does. */
import { InvariantError } from '@tokenledger/domain';
import type { Pacing } from '@tokenledger/event-log';
import { Life } from './life.ts';

export interface SlotOptions<Process> {
  readonly clock: Pacing;
  readonly start: (life: Life) => Promise<Process>;
  readonly onDeath: (process: Process | null) => void;
  readonly onDefect: (error: unknown) => void;
  /** Milliseconds until it is started again. */
  readonly pauseMs: () => number;
}

export class Slot<Process> {
  readonly #options: SlotOptions<Process>;
  #life: Life;
  #process: Process | null = null;
  #ended = false;

  constructor(options: SlotOptions<Process>) {
    this.#options = options;
    this.#life = this.#up();
  }

  get life(): Life {
    return this.#life;
  }

  /** Null while it is down, or on its way up. */
  get process(): Process | null {
    return this.#process;
  }

  /** For good. */
  end(): void {
    this.#ended = true;
    this.#life.kill();
  }

  #up(): Life {
    const life = new Life(this.#options.clock);
    this.#life = life;
    life.onDeath(() => {
      const process = this.#process;
      this.#process = null;
      this.#options.onDeath(process);
      if (!this.#ended) void this.#later();
    });
    this.#options.start(life).then(
      (process) => {
        if (!life.dead) this.#process = process;
      },
      (error: unknown) => {
        // A start that fails ends the process; a broken invariant ends the run.
        if (error instanceof InvariantError) this.#options.onDefect(error);
        life.kill();
      },
    );
    return life;
  }

  async #later(): Promise<void> {
    await this.#options.clock.wait(this.#options.pauseMs());
    if (!this.#ended) this.#up();
  }
}
