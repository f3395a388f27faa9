/** The documents of a bench: so many keys, channels of one upstream, and routes of which the last takes the bench's model. */
import { randomBytes } from 'node:crypto';

export interface BenchSize {
  readonly keys: number;
  /** 0: the channels serve by themselves. */
  readonly routes: number;
  readonly channels: number;
}

export interface BenchDocuments {
  /** A config file. */
  readonly config: string;
  /** The secrets it names. */
  readonly env: Readonly<Record<string, string>>;
  /** The last key. */
  readonly key: string;
}

/** The request's model is `gpt-4o-mini`. */
export function benchDocuments(upstreamUrl: string, { keys, routes, channels }: BenchSize): BenchDocuments {
  const secrets = Array.from({ length: keys }, () => `tl-${randomBytes(24).toString('hex')}`);
  const numbered = (count: number, line: (index: number) => string): readonly string[] =>
    Array.from({ length: count }, (_, index) => line(index));
  const model = (index: number): string => (index === routes - 1 ? 'gpt-4o-mini' : `model-${index}`);
  const config = [
    'control: { key_hash_secret: env:BENCH_HASH_SECRET }',
    'documents:',
    '  tenants: [{ id: bench, name: Bench }]',
    '  projects: [{ id: bench, tenant: bench, name: Bench }]',
    '  owners: [{ id: bench, tenant: bench, name: Bench }]',
    '  virtual_keys:',
    ...numbered(
      keys,
      (index) => `    - { id: key-${index}, tenant: bench, project: bench, owner: bench, secret: 'env:BENCH_KEY_${index}' }`,
    ),
    '  channels:',
    ...numbered(
      channels,
      (index) =>
        `    - { id: channel-${index}, provider: openai, surfaces: [openai.chat], base_url: '${upstreamUrl}', credential: env:BENCH_CREDENTIAL }`,
    ),
    ...(routes === 0 ? [] : ['  routes:']),
    ...numbered(
      routes,
      (index) =>
        `    - { id: route-${index}, models: ['${model(index)}'], channels: [{ channel: channel-${index % channels} }, { channel: channel-${(index + 1) % channels} }] }`,
    ),
  ].join('\n');
  const env = {
    BENCH_CREDENTIAL: 'bench-credential',
    BENCH_HASH_SECRET: randomBytes(32).toString('hex'),
    ...Object.fromEntries(secrets.map((secret, index) => [`BENCH_KEY_${index}`, secret])),
  };
  return { config, env, key: secrets.at(-1) as string };
}
