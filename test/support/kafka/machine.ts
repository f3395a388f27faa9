/** Looks at this machine for what can run Kafka. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { cachedJars } from './jars.ts';
import type { Machine } from './source.ts';

const PROBE_MS_MAX = 15_000;

export async function surveyMachine(env: NodeJS.ProcessEnv = process.env): Promise<Machine> {
  const jars = await cachedJars();
  // Maven takes a second to name its version, and is not needed any more.
  const findMavenToo = jars === undefined ? findMaven(env) : Promise.resolve(undefined);
  const [containers, java, maven] = await Promise.all([containersAnswer(), findJava(env), findMavenToo]);
  return { brokers: env['KAFKA_BROKERS'], containers, java, cachedJars: jars, maven, ci: env['CI'] === 'true' };
}

/** Whether testcontainers finds a container runtime that answers. */
export async function containersAnswer(): Promise<boolean> {
  const { getContainerRuntimeClient } = await import('testcontainers');
  return getContainerRuntimeClient().then(
    () => true,
    () => false,
  );
}

async function findJava(env: NodeJS.ProcessEnv): Promise<Machine['java']> {
  const commands = [...(env['JAVA_HOME'] === undefined ? [] : [join(env['JAVA_HOME'], 'bin', 'java')]), 'java'];
  const found = await Promise.all(commands.map(async (command) => ({ command, major: javaMajor(await printed(command, ['-version'])) })));
  return found.filter((java): java is NonNullable<Machine['java']> => java.major !== undefined).toSorted((a, b) => b.major - a.major)[0];
}

/** The major version in what `java -version` prints; 1.8 is 8. */
export function javaMajor(text: string | undefined): number | undefined {
  const version = /version "(?:1\.)?(\d+)/.exec(text ?? '')?.[1];
  return version === undefined ? undefined : Number(version);
}

async function findMaven(env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const commands = [...(env['MAVEN_HOME'] === undefined ? [] : [join(env['MAVEN_HOME'], 'bin', 'mvn')]), 'mvn'];
  for (const command of commands) {
    if ((await printed(command, ['--version'])) !== undefined) return command;
  }
  return undefined;
}

/** What a command prints to both streams; undefined when it is not there, fails or takes too long. */
function printed(command: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile(command, args, { timeout: PROBE_MS_MAX }, (error, stdout, stderr) => resolve(error === null ? stdout + stderr : undefined));
  });
}
