/** The product in front of a provider whose answers each test writes itself, for all tests of a file or a describe. */
import { afterAll, beforeAll } from 'vitest';
import type { LedgerUnderTest, StartLedger } from './running-ledger.ts';
import { type ScriptedUpstream, scriptedUpstream } from './scripted-upstream.ts';

export interface ScriptedLedger {
  readonly ledger: LedgerUnderTest;
  readonly upstream: ScriptedUpstream;
}

/** `channels`: as the config file names them, each on the provider's address. `credential`: what they send; absent: one that tests use. */
export function ledgerOnScript(
  start: StartLedger,
  channels: (upstreamUrl: string) => readonly string[],
  credential?: string,
): () => ScriptedLedger {
  const resources = new AsyncDisposableStack();
  let running: ScriptedLedger | undefined;
  beforeAll(async () => {
    const upstream = resources.use(
      await scriptedUpstream((response) => {
        response.writeHead(500);
        response.end('the test has not said what to answer');
      }),
    );
    const options = { upstreamUrl: upstream.url, channels: channels(upstream.url) };
    const ledger = resources.use(await start(credential === undefined ? options : { ...options, credential }));
    running = { ledger, upstream };
  });
  afterAll(() => resources.disposeAsync());
  return () => {
    if (running === undefined) throw new Error('the ledger is not there before its tests run');
    return running;
  };
}

/** A channel of a config file, with the credential that tests use. */
export function channelLine(
  fields: { readonly id: string; readonly provider: string; readonly surfaces?: readonly string[]; readonly region?: string },
  upstreamUrl: string,
): string {
  const { id, provider, surfaces, region } = fields;
  const more = `${surfaces === undefined ? '' : `, surfaces: [${surfaces.join(', ')}]`}${region === undefined ? '' : `, region: ${region}`}`;
  return `{ id: ${id}, provider: ${provider}${more}, base_url: '${upstreamUrl}', credential: 'env:E2E_CREDENTIAL' }`;
}
