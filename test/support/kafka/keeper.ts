/** A process that owns a broker: prepares its folder, then runs it in its own process group and tells on its standard output when it has begun and when it has ended. When its standard
 *  input closes, which it does however the parent ends, it kills what runs and removes the folder. Lines of its input: `kill` and `start`. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';

export interface KeeperPlan {
  /** Where everything runs and is kept; removed in the end. */
  readonly folder: string;
  readonly prepare: readonly string[];
  readonly serve: readonly string[];
}

/** Its lines: of the broker, its process id or its exit code. */
export type KeeperNews = `began ${number}` | `ended ${number}`;

export type KeeperOrder = 'kill' | 'start';

/** Below the folder: what all commands print. */
export const KEEPER_LOG = 'broker.log';

const COMMAND_NOT_STARTED = 127;

class Keeper {
  readonly #plan: KeeperPlan;
  readonly #log: number;
  #child: ChildProcess | undefined;
  #over = false;

  constructor(plan: KeeperPlan) {
    this.#plan = plan;
    this.#log = openSync(join(plan.folder, KEEPER_LOG), 'a');
  }

  async serve(): Promise<void> {
    const ended = this.#run(this.#plan.serve);
    if (this.#child?.pid !== undefined) tell(`began ${this.#child.pid}`);
    tell(`ended ${await ended}`);
  }

  async prepareAndServe(): Promise<void> {
    const code = await this.#run(this.#plan.prepare);
    if (code === 0) await this.serve();
    else tell(`ended ${code}`);
  }

  /** Without ceremony: a broker has to live with that, and here its data goes with it. */
  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  async end(): Promise<void> {
    this.#over = true;
    this.kill();
    if (this.#child !== undefined) await once(this.#child, 'exit');
    await rm(this.#plan.folder, { recursive: true, force: true, maxRetries: 5 });
  }

  #run([command = '', ...args]: readonly string[]): Promise<number> {
    if (this.#over) return Promise.resolve(COMMAND_NOT_STARTED);
    const child = spawn(command, args, { cwd: this.#plan.folder, stdio: ['ignore', this.#log, this.#log] });
    this.#child = child;
    return new Promise((resolve) => {
      const settle = (code: number | null): void => {
        this.#child = undefined;
        resolve(code ?? COMMAND_NOT_STARTED);
      };
      child.once('error', () => settle(null)).once('exit', settle);
    });
  }
}

function tell(news: KeeperNews): void {
  process.stdout.write(`${news}\n`);
}

if (import.meta.main) {
  const keeper = new Keeper(JSON.parse(process.argv[2] ?? '') as KeeperPlan);
  const end = (): void => {
    void keeper.end().then(() => process.exit(0));
  };
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.on(signal, end);
  // Nobody is left to read it: the input closes too, and that is what ends the keeper.
  process.stdout.on('error', () => {});
  createInterface({ input: process.stdin })
    .on('line', (order) => {
      switch (order as KeeperOrder) {
        case 'kill':
          return keeper.kill();
        case 'start':
          return void keeper.serve();
      }
    })
    .on('close', end);
  void keeper.prepareAndServe();
}
