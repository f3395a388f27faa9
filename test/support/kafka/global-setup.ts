/** Opens the door to Kafka for a run of tests, and closes it in the end. No broker starts before a test asks for one. */
import type { TestProject } from 'vitest/node';
import { openDoor } from './door.ts';

declare module 'vitest' {
  interface ProvidedContext {
    readonly kafkaDoor: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const door = await openDoor();
  project.provide('kafkaDoor', door.url);
  return () => door.close();
}
