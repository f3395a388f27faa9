/** The product in front of a provider simulator of its own, for all tests of a file or a describe. */
import { join } from 'node:path';
import { startProviderSimulator } from '@tokenledger/provider-simulator';
import { afterAll, beforeAll } from 'vitest';
import type { LedgerUnderTest, StartLedger } from './running-ledger.ts';
import { makeTempDir } from './temp-dir.ts';

/** Starts both before the tests and ends them after. Gives the ledger to whoever asks while they run. */
export function ledgerOnSimulator(start: StartLedger): () => LedgerUnderTest {
  const resources = new AsyncDisposableStack();
  let ledger: LedgerUnderTest | undefined;
  beforeAll(async () => {
    const folder = resources.use(await makeTempDir('simulator'));
    const simulator = await startProviderSimulator({ billFile: join(folder.path, 'bill.jsonl') });
    resources.defer(() => simulator.close());
    ledger = resources.use(await start({ upstreamUrl: simulator.url }));
  });
  afterAll(() => resources.disposeAsync());
  return () => {
    if (ledger === undefined) throw new Error('the ledger is not there before its tests run');
    return ledger;
  };
}
