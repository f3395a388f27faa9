/** One bad file for each boundary that the linter guards, and good files beside them that it must let pass. */

export interface BoundaryCase {
  /** A sentence: what the linter refuses. */
  readonly refuses: string;
  readonly path: string;
  readonly source: string;
  /** The rule that has to fire on this file. */
  readonly rule: string;
  /** A part of its message where one rule guards several boundaries. */
  readonly message?: RegExp;
}

const imports = 'eslint(no-restricted-imports)';
const globals = 'eslint(no-restricted-globals)';
const properties = 'eslint(no-restricted-properties)';

export const badFiles: readonly BoundaryCase[] = [
  {
    refuses: 'a relative import of another package',
    path: 'packages/pricing/src/bad-relative.ts',
    source: `export { one } from '../../control/src/one.ts';`,
    rule: imports,
    message: /relative path/,
  },
  {
    refuses: 'a relative import of a package from a service',
    path: 'services/pricer/src/bad-relative.ts',
    source: `export { one } from '../../../packages/control/src/one.ts';`,
    rule: imports,
    message: /relative path/,
  },
  {
    refuses: 'a relative import of a package from a test',
    path: 'test/e2e/bad-relative.ts',
    source: `export { one } from '../../packages/control/src/one.ts';`,
    rule: imports,
    message: /relative path/,
  },
  {
    refuses: 'a deep import of a package',
    path: 'services/pricer/src/bad-deep.ts',
    source: `export { one } from '@tokenledger/control/src/one.ts';`,
    rule: imports,
    message: /by its name alone/,
  },
  {
    refuses: 'a deep import of a package from a test',
    path: 'test/e2e/bad-deep.ts',
    source: `export { one } from '@tokenledger/control/src/one.ts';`,
    rule: imports,
    message: /by its name alone/,
  },
  {
    refuses: 'a deep import of a service by the command line',
    path: 'packages/cli/src/bad-deep.ts',
    source: `export { one } from '@tokenledger/pricer/src/core/rate.ts';`,
    rule: imports,
    message: /by its name alone/,
  },
  {
    refuses: 'a package that imports a service',
    path: 'packages/control/src/bad-service.ts',
    source: `export { one } from '@tokenledger/pricer';`,
    rule: imports,
    message: /never import services/,
  },
  {
    refuses: 'a package that imports the type of a service',
    path: 'packages/control/src/bad-service-type.ts',
    source: `import type { One } from '@tokenledger/pricer';\nexport type Two = One;`,
    rule: imports,
    message: /never import services/,
  },
  {
    refuses: 'a service that imports another service',
    path: 'services/writer/src/bad-service.ts',
    source: `export { one } from '@tokenledger/pricer';`,
    rule: imports,
    message: /no service imports another/,
  },
  {
    refuses: 'a package that imports the command line',
    path: 'packages/control/src/bad-cli.ts',
    source: `export { one } from '@tokenledger/cli';`,
    rule: imports,
    message: /command line/,
  },
  {
    refuses: 'a domain that imports a package',
    path: 'packages/domain/src/bad-package.ts',
    source: `export { one } from '@tokenledger/control';`,
    rule: imports,
    message: /imports nothing/,
  },
  {
    refuses: 'a domain that imports Node',
    path: 'packages/domain/src/bad-node.ts',
    source: `export { readFileSync } from 'node:fs';`,
    rule: imports,
    message: /imports nothing/,
  },
  {
    refuses: 'a domain that imports a package by a relative path',
    path: 'packages/domain/src/bad-relative.ts',
    source: `export { one } from '../../control/src/one.ts';`,
    rule: imports,
    message: /relative path/,
  },
  {
    refuses: 'a core that reads files',
    path: 'services/pricer/src/core/bad-files.ts',
    source: `export { readFileSync } from 'node:fs';`,
    rule: imports,
    message: /no I\/O/,
  },
  {
    refuses: 'a core that opens connections',
    path: 'services/pricer/src/core/bad-net.ts',
    source: `export { connect } from 'node:net';`,
    rule: imports,
    message: /no I\/O/,
  },
  {
    refuses: 'a core that speaks HTTP',
    path: 'services/pricer/src/core/bad-http.ts',
    source: `export { request } from 'node:http';`,
    rule: imports,
    message: /no I\/O/,
  },
  {
    refuses: 'a core below a folder of a package that waits for a timer',
    path: 'packages/control/src/state/core/bad-timers.ts',
    source: `export { setTimeout } from 'node:timers/promises';`,
    rule: imports,
    message: /no I\/O/,
  },
  {
    refuses: 'a core that draws random bytes',
    path: 'services/pricer/src/core/bad-random-bytes.ts',
    source: `import { randomBytes } from 'node:crypto';\nexport const drawn = randomBytes(1);`,
    rule: imports,
    message: /no randomness/,
  },
  {
    refuses: 'a core that logs through a package',
    path: 'services/pricer/src/core/bad-package.ts',
    source: `import { pino } from 'pino';\nexport const log = pino;`,
    rule: imports,
    message: /third-party/,
  },
  {
    refuses: 'a core that uses a scoped third-party package',
    path: 'services/pricer/src/core/bad-scoped-package.ts',
    source: `import { createClient } from '@clickhouse/client';\nexport const client = createClient;`,
    rule: imports,
    message: /third-party/,
  },
  {
    refuses: 'a core that calls the database package',
    path: 'services/pricer/src/core/bad-database.ts',
    source: `import { one } from '@tokenledger/clickhouse';\nexport const two = one;`,
    rule: imports,
    message: /not their effects/,
  },
  {
    refuses: 'a core that reads the clock',
    path: 'services/pricer/src/core/bad-clock.ts',
    source: `export const now = (): number => Date.now();`,
    rule: properties,
    message: /no clock/,
  },
  {
    refuses: 'a core that measures time',
    path: 'services/pricer/src/core/bad-performance.ts',
    source: `export const now = (): number => performance.now();`,
    rule: globals,
  },
  {
    refuses: 'a core that draws a random number',
    path: 'services/pricer/src/core/bad-random.ts',
    source: `export const drawn = (): number => Math.random();`,
    rule: properties,
    message: /no randomness/,
  },
  {
    refuses: 'a core that draws a random id',
    path: 'services/pricer/src/core/bad-random-id.ts',
    source: `export const drawn = (): string => crypto.randomUUID();`,
    rule: globals,
  },
  {
    refuses: 'a core that reads the environment',
    path: 'services/pricer/src/core/bad-environment.ts',
    source: `export const home = (): string | undefined => process.env['HOME'];`,
    rule: globals,
  },
  {
    refuses: 'a core that prints',
    path: 'services/pricer/src/core/bad-print.ts',
    source: `export const print = (): void => console.log('x');`,
    rule: globals,
  },
  {
    refuses: 'a core that asks over the network',
    path: 'services/pricer/src/core/bad-fetch.ts',
    source: `export const ask = (): unknown => fetch('http://127.0.0.1');`,
    rule: globals,
  },
  {
    refuses: 'a core that sets a timer',
    path: 'services/pricer/src/core/bad-timer.ts',
    source: `export const later = (act: () => void): unknown => setTimeout(act, 1);`,
    rule: globals,
  },
  {
    refuses: 'a core that imports another service',
    path: 'services/writer/src/core/bad-service.ts',
    source: `export { one } from '@tokenledger/pricer';`,
    rule: imports,
    message: /no service imports another/,
  },
  {
    refuses: 'a core that imports a package deeply',
    path: 'services/writer/src/core/bad-deep.ts',
    source: `export { one } from '@tokenledger/control/src/one.ts';`,
    rule: imports,
    message: /by its name alone/,
  },
  {
    refuses: 'a core that imports a package by a relative path',
    path: 'services/writer/src/core/bad-relative.ts',
    source: `export { one } from '../../../../packages/control/src/one.ts';`,
    rule: imports,
    message: /relative path/,
  },
  {
    refuses: 'a core that waits',
    path: 'services/pricer/src/core/bad-await.ts',
    source: `export async function wait(input: Promise<number>): Promise<number> {\n  return await input;\n}`,
    rule: 'oxc(no-async-await)',
  },
  {
    refuses: 'a cycle of imports within a package',
    path: 'packages/control/src/bad-cycle.ts',
    source: `import { b } from './bad-cycle-back.ts';\nexport const a = (): number => b();`,
    rule: 'import(no-cycle)',
  },
  {
    refuses: 'a cycle of imports through two packages',
    path: 'packages/pricing/src/index.ts',
    source: `import { back } from '@tokenledger/schemas';\nexport const forth = (): number => back();`,
    rule: 'import(no-cycle)',
  },
  {
    refuses: 'a promise that nobody waits for',
    path: 'services/pricer/src/bad-promise.ts',
    source: `async function send(): Promise<void> {}\nexport function run(): void {\n  send();\n}`,
    rule: 'typescript(no-floating-promises)',
  },
  {
    refuses: 'a promise handed to somebody who does not wait',
    path: 'services/pricer/src/bad-callback.ts',
    source: `async function send(): Promise<void> {}\nexport const run = (texts: readonly string[]): void => texts.forEach(send);`,
    rule: 'typescript(no-misused-promises)',
  },
  {
    refuses: 'a switch that forgets a kind',
    path: 'services/pricer/src/bad-switch.ts',
    source: `export function name(kind: 'a' | 'b'): string {\n  switch (kind) {\n    case 'a':\n      return 'first';\n  }\n  return 'other';\n}`,
    rule: 'typescript(switch-exhaustiveness-check)',
  },
  {
    refuses: 'a service that prints past the logger',
    path: 'services/pricer/src/bad-print.ts',
    source: `console.log('x');`,
    rule: 'eslint(no-console)',
  },
  {
    refuses: 'a catch that swallows',
    path: 'services/pricer/src/bad-catch.ts',
    source: `export function quiet(act: () => void): void {\n  try {\n    act();\n  } catch {}\n}`,
    rule: 'eslint(no-empty)',
  },
];

/** What the bad files lean on, and what is allowed close to each boundary. */
export const goodFiles: readonly Pick<BoundaryCase, 'path' | 'source'>[] = [
  { path: 'packages/control/src/index.ts', source: `export { one } from './one.ts';` },
  { path: 'packages/control/src/one.ts', source: `import { zero } from '@tokenledger/domain';\nexport const one = zero + 1;` },
  { path: 'packages/domain/src/index.ts', source: `export { zero } from './zero.ts';` },
  { path: 'packages/domain/src/zero.ts', source: `export const zero = 0;` },
  {
    path: 'packages/domain/src/zero.test.ts',
    source: `import { expect, test } from 'vitest';\nimport { zero } from './zero.ts';\ntest('zero is 0', () => expect(zero).toBe(0));`,
  },
  { path: 'packages/cli/src/index.ts', source: `export { rate } from '@tokenledger/pricer';` },
  { path: 'packages/clickhouse/src/index.ts', source: `export const one = 1;\nexport interface Row {\n  readonly a: number;\n}` },
  { path: 'services/pricer/src/index.ts', source: `export { rate } from './core/rate.ts';` },
  {
    path: 'services/pricer/src/core/rate.ts',
    source: [
      `import { createHash } from 'node:crypto';`,
      `import type { Readable } from 'node:stream';`,
      `import type { Row } from '@tokenledger/clickhouse';`,
      `import { one } from '@tokenledger/control';`,
      `export const rate = (row: Row, at: string): number => one + row.a + new Date(at).getTime();`,
      `export const hash = (text: string): string => createHash('sha256').update(text).digest('hex');`,
      `export type Source = Readable;`,
    ].join('\n'),
  },
  {
    path: 'services/pricer/src/core/rate.test.ts',
    source: `import { readFileSync } from 'node:fs';\nexport const read = (): string => readFileSync('a', 'utf8') + Date.now().toString();`,
  },
  { path: 'test/e2e/whole.ts', source: `export { rate } from '@tokenledger/pricer';\nexport { one } from '@tokenledger/control';` },
];

/** The other halves of the cycles: in a cycle the linter may report either file. */
export const cycleHalves: readonly Pick<BoundaryCase, 'path' | 'source'>[] = [
  { path: 'packages/control/src/bad-cycle-back.ts', source: `import { a } from './bad-cycle.ts';\nexport const b = (): number => a();` },
  {
    path: 'packages/schemas/src/index.ts',
    source: `import { forth } from '@tokenledger/pricing';\nexport const back = (): number => forth();`,
  },
];
