/** Paths below a named channel through the running program, in front of a provider that each test scripts. */
import { channelLine, ledgerOnScript } from '../support/ledger-on-script.ts';
import { runLedger } from '../support/running-ledger.ts';
import { channelPathsSuite } from './suites/channel-paths.ts';

channelPathsSuite(
  ledgerOnScript(runLedger, (url) => [
    channelLine({ id: 'openai', provider: 'openai' }, url),
    channelLine({ id: 'zai', provider: 'zai' }, `${url}/api`),
  ]),
);
