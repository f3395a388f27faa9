import { expect, test } from 'vitest';
import { greeting, programName, type Greeting } from './greeting.ts';
import { loadSettings } from './settings.ts';

function lines(change: Partial<Greeting> = {}, dataDir?: string): string {
  const flags = dataDir === undefined ? [] : [{ flag: '--data', section: 'data', option: 'dir', value: dataDir }];
  return greeting({
    settings: loadSettings({ file: undefined, flags, environment: {}, workingDir: '/nowhere' }),
    urls: { ingress: 'http://127.0.0.1:1', clickhouse: 'http://127.0.0.1:2', admin: 'http://127.0.0.1:3', registry: 'http://127.0.0.1:4' },
    demo: {
      key: 'tlk_demo',
      simulated: [{ id: 'openai', credential: 'env:OPENAI_API_KEY' }],
      real: [{ id: 'anthropic', credential: 'env:ANTHROPIC_API_KEY' }],
      requestsPerSecond: 2,
    },
    program: 'tokenledger',
    hasKeys: false,
    ...change,
  });
}

test('the demo shows its key, what is simulated, a request with the key, and a query for that request’s row', () => {
  const text = lines();
  expect(text).toContain('demo key     tlk_demo\n');
  expect(text).toContain('openai       simulated on this machine; set OPENAI_API_KEY');
  expect(text).toContain('anthropic    the real provider: requests cost money');
  expect(text).toMatch(
    /curl -sS http:\/\/127\.0\.0\.1:1\/v1\/chat\/completions -H 'Authorization: Bearer tlk_demo'.*x-tokenledger-feature: first-request/,
  );
  expect(text).toMatch(/tokenledger sql "SELECT .* FROM usage_events WHERE feature = 'first-request'/);
});

test('a directory that is not the default is part of the query’s command, quoted', () => {
  expect(lines({}, "it's/here")).toContain(`tokenledger sql --data '/nowhere/it'\\''s/here' "SELECT`);
});

test('without the demo and without documents it says how to add keys', () => {
  const text = lines({ demo: undefined });
  expect(text).toContain('No virtual keys are configured');
  expect(text).not.toContain('curl');
});

test('without the demo but with documents it names the URLs only', () => {
  expect(lines({ demo: undefined, hasKeys: true })).not.toContain('No virtual keys');
});

test('the program is called as npm does, or by its file', () => {
  expect(programName({ npm_lifecycle_event: 'start' }, '/repo/main.ts', '/repo')).toBe('npm run --silent tokenledger --');
  expect(programName({}, '/repo/cli/main.ts', '/repo')).toBe('node cli/main.ts');
  expect(programName({}, '/repo/cli/main.ts', '/elsewhere')).toBe('node /repo/cli/main.ts');
});
