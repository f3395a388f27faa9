/** What `tokenledger up` says once everything is ready: where it listens, a key, a request to copy and the query that shows its row. */
import { relative } from 'node:path';
import type { Settings } from './settings.ts';

export interface Greeting {
  readonly settings: Settings;
  readonly urls: { readonly ingress: string; readonly clickhouse: string; readonly admin: string; readonly registry: string };
  /** Undefined without the demo. */
  readonly demo:
    | {
        readonly key: string;
        readonly simulated: readonly ChannelNote[];
        readonly real: readonly ChannelNote[];
        readonly requestsPerSecond: number;
      }
    | undefined;
  /** How this program is called in a shell. */
  readonly program: string;
  /** False when no virtual key is configured: nobody can send a request. */
  readonly hasKeys: boolean;
}

export interface ChannelNote {
  readonly id: string;
  /** `env:NAME`, or another reference. */
  readonly credential: string;
}

/** Marks the request that people copy, so that the query finds it among the demo's. */
const FEATURE = 'first-request';
const FIRST_MODEL = 'gpt-5-mini';

export function greeting({ settings, urls, demo, program, hasKeys }: Greeting): string {
  const lines = [
    '',
    `  ingress      ${urls.ingress}`,
    `  ClickHouse   ${urls.clickhouse}`,
    `  admin        ${urls.admin}`,
    `  registry     ${urls.registry}`,
    `  data         ${settings.dataDirShown}`,
    '',
  ];
  if (demo !== undefined) lines.push(...demoLines(demo), '', ...tryLines(settings, urls.ingress, demo.key, program));
  else if (!hasKeys) lines.push(...withoutKeys());
  lines.push('  Ctrl-C stops.', '');
  return lines.join('\n');
}

function demoLines(demo: NonNullable<Greeting['demo']>): readonly string[] {
  const lines = [`  demo key     ${demo.key}`];
  for (const channel of demo.simulated) {
    lines.push(
      `  ${channel.id.padEnd(12)} simulated on this machine; set ${channel.credential.replace(/^env:/, '')} and start again for the real provider`,
    );
  }
  for (const channel of demo.real) lines.push(`  ${channel.id.padEnd(12)} the real provider: requests cost money`);
  const traffic =
    demo.simulated.length === 0
      ? 'none: it only ever goes to simulated channels'
      : `${demo.requestsPerSecond} requests/s to simulated channels`;
  return [...lines, `  traffic      ${traffic}`];
}

function tryLines(settings: Settings, ingressUrl: string, key: string, program: string): readonly string[] {
  const body = JSON.stringify({ model: FIRST_MODEL, messages: [{ role: 'user', content: 'Say hello.' }] });
  const query = `SELECT occurred_at, tenant_id, served_model, input_tokens, output_tokens, cost_usd, price_version, outcome FROM usage_events WHERE feature = '${FEATURE}' ORDER BY occurred_at DESC LIMIT 1`;
  return [
    '  Send a request:',
    '',
    `    curl -sS ${ingressUrl}/v1/chat/completions -H 'Authorization: Bearer ${key}' -H 'content-type: application/json' -H 'x-tokenledger-feature: ${FEATURE}' -d '${body}'`,
    '',
    '  See its row, about a second later:',
    '',
    `    ${program} sql${dataOption(settings)} "${query}"`,
    '',
  ];
}

function withoutKeys(): readonly string[] {
  return [
    '  No virtual keys are configured. Write tenants, owners and channels into a file (deploy/documents.example.yaml shows how)',
    '  and `tokenledger apply -f FILE` it, then `tokenledger keys create`; both work while this runs.',
    '',
  ];
}

/** The option that makes another command find the same directory; none where it is the default. */
function dataOption(settings: Settings): string {
  return settings.origins.has('data.dir') ? ` --data '${settings.layout.root.replaceAll("'", `'\\''`)}'` : '';
}

/** How to call this program in a shell: as npm does where npm started it, else by its file. */
export function programName(environment: Settings['environment'], file: string, workingDir: string): string {
  if (environment['npm_lifecycle_event'] !== undefined) return 'npm run --silent tokenledger --';
  const near = relative(workingDir, file);
  return `node ${near.startsWith('..') ? file : near}`;
}
