/** Apache Kafka's jars, fetched once by Maven from wherever this machine gets its packages, and kept below node_modules. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { repositoryRoot } from '../repository.ts';
import type { JarSource } from './source.ts';

/** The version that the product is tested against. */
export const KAFKA_VERSION = '4.1.0';

const LOGGING_VERSION = '2.24.3';
const FETCH_MS_MAX = 240_000;

const cache = join(repositoryRoot, 'node_modules', '.cache', 'tokenledger-kafka');
const folder = join(cache, KAFKA_VERSION);

const POM = `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>tokenledger</groupId>
  <artifactId>kafka-for-tests</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency><groupId>org.apache.kafka</groupId><artifactId>kafka_2.13</artifactId><version>${KAFKA_VERSION}</version></dependency>
    <dependency><groupId>org.apache.logging.log4j</groupId><artifactId>log4j-slf4j-impl</artifactId><version>${LOGGING_VERSION}</version></dependency>
  </dependencies>
</project>
`;

/** The folder of the jars when they are here already. It gets its name only when it is complete. */
export async function cachedJars(): Promise<string | undefined> {
  return existsSync(folder) ? folder : undefined;
}

/** Returns the folder of the jars. Fails with what Maven says when they cannot be fetched. */
export async function provideJars(source: JarSource): Promise<string> {
  if (source.kind === 'cached') return source.folder;
  await mkdir(cache, { recursive: true });
  const work = await mkdtemp(join(cache, 'fetch-'));
  try {
    await writeFile(join(work, 'pom.xml'), POM);
    await fetchJars(source.command, work);
    // Another run may have been quicker: its folder is as good.
    await rename(join(work, 'jars'), folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
    return folder;
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function fetchJars(maven: string, work: string): Promise<void> {
  const args = [
    '--batch-mode',
    '--quiet',
    '--no-transfer-progress',
    'dependency:copy-dependencies',
    '-DincludeScope=runtime',
    '-DoutputDirectory=jars',
  ];
  try {
    await promisify(execFile)(maven, args, { cwd: work, timeout: FETCH_MS_MAX });
  } catch (error) {
    const said = error instanceof Error && 'stdout' in error ? String(error.stdout).trim() : '';
    throw new Error(`Maven could not fetch Kafka's jars:\n${said.slice(0, 2_000)}`, { cause: error });
  }
}
