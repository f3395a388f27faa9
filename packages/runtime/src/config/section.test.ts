import { expect, test } from 'vitest';
import { z } from 'zod';
import { renderReference } from './reference.ts';
import { defineSection } from './section.ts';
import { runtimeSections } from './sections.ts';

test('an option without a default or a sentence is refused where it is declared', () => {
  expect(() => defineSection('a', { about: '', schema: z.strictObject({ b: z.string().default('') }) })).toThrow(
    /option a\.b has a sentence/,
  );
  expect(() => defineSection('a', { about: '', schema: z.strictObject({ b: z.string().describe('x') }) })).toThrow(
    /option a\.b has a default/,
  );
});

test('every variable belongs to one option', () => {
  const variables = runtimeSections.flatMap((section) => section.options.map((option) => option.environment));
  expect(new Set(variables).size).toBe(variables.length);
  expect(variables).toEqual(expect.arrayContaining(['TOKENLEDGER_DATA_DIR', 'TOKENLEDGER_CLICKHOUSE_PORT', 'TOKENLEDGER_ADMIN_PORT']));
});

test('the reference page shows each option with its variable, default, bounds and meaning', () => {
  const section = defineSection('server', {
    about: 'A server.',
    schema: z.strictObject({
      wait_ms: z.int().min(5).default(7).describe('How | long.'),
      mode: z.enum(['a', 'b']).default('a').describe('Which.'),
    }),
    alsoEnvironment: { mode: 'SERVER_MODE' },
  });
  const page = renderReference([section], 'Intro.');
  expect(page).toContain('## `server`\n\nA server.\n');
  expect(page).toContain('| `wait_ms` | `TOKENLEDGER_SERVER_WAIT_MS` | `7` | a whole number, at least 5 | How \\| long. |');
  expect(page).toContain('| `mode` | `TOKENLEDGER_SERVER_MODE` or `SERVER_MODE` | `"a"` | one of a, b | Which. |');
});
