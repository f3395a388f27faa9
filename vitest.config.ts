// The kinds of tests, from the quickest to the slowest: a kind runs after those before it, so that one that needs quiet cores gets them.
import { defineConfig, type TestProjectInlineConfiguration } from 'vitest/config';

type Kind = {
  readonly name: string;
  readonly include: readonly string[];
  readonly timeoutMs: number;
  /** How many files run at a time. Whoever measures time or starts the whole product runs alone. */
  readonly workers: 1 | 2;
};

const kinds: readonly Kind[] = [
  { name: 'unit', include: ['{packages,services}/*/src/**/*.test.ts', 'test/support/**/*.test.ts'], timeoutMs: 15_000, workers: 2 },
  { name: 'tidy', include: ['test/tidy/**/*.test.ts'], timeoutMs: 60_000, workers: 2 },
  { name: 'contract', include: ['test/contract/**/*.test.ts'], timeoutMs: 60_000, workers: 2 },
  { name: 'conformance', include: ['test/conformance/**/*.test.ts'], timeoutMs: 60_000, workers: 2 },
  { name: 'simulation', include: ['test/simulation/**/*.test.ts'], timeoutMs: 120_000, workers: 2 },
  { name: 'integration', include: ['test/integration/**/*.test.ts'], timeoutMs: 120_000, workers: 2 },
  { name: 'cli', include: ['test/cli/**/*.test.ts'], timeoutMs: 240_000, workers: 2 },
  { name: 'deploy', include: ['test/deploy/**/*.test.ts'], timeoutMs: 600_000, workers: 1 },
  { name: 'chaos', include: ['test/chaos/**/*.test.ts'], timeoutMs: 400_000, workers: 1 },
  { name: 'e2e', include: ['test/e2e/**/*.test.ts'], timeoutMs: 240_000, workers: 1 },
];

export default defineConfig({
  test: {
    teardownTimeout: 20_000,
    globalSetup: ['test/support/kafka/global-setup.ts'],
    projects: kinds.map((kind, order): TestProjectInlineConfiguration => ({
      root: import.meta.dirname,
      test: {
        name: kind.name,
        include: [...kind.include],
        pool: 'forks',
        maxWorkers: kind.workers,
        testTimeout: kind.timeoutMs,
        hookTimeout: kind.timeoutMs,
        sequence: { groupOrder: order },
      },
    })),
  },
});
