/** Runs `tokenledger` as people do: the real program in a process of its own, without the variables of whoever runs the tests. */
import { join } from 'node:path';
import { type Child, type ChildExit, startChild } from './child.ts';
import { repositoryRoot } from './repository.ts';

const cliMain: string = join(repositoryRoot, 'packages', 'cli', 'src', 'main.ts');

export interface CliResult extends ChildExit {
  readonly stdout: string;
  readonly stderr: string;
}

export interface CliOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/** Starts it; the caller stops it. */
export function startCli(args: readonly string[], options: CliOptions): Child {
  const inherited = Object.keys(process.env).filter((name) =>
    /^(TOKENLEDGER_|KAFKA_|CLICKHOUSE_|OPENAI_|ANTHROPIC_|npm_|VITEST|NODE_ENV)/.test(name),
  );
  const cleared = Object.fromEntries(inherited.map((name): [string, undefined] => [name, undefined]));
  return startChild(process.execPath, [cliMain, ...args], { cwd: options.cwd, env: { ...cleared, ...options.env } });
}

/** Runs it to its end. */
export async function runCli(args: readonly string[], options: CliOptions): Promise<CliResult> {
  await using child = startCli(args, options);
  const exit = await child.exited;
  return { ...exit, stdout: child.stdout(), stderr: child.stderr() };
}
