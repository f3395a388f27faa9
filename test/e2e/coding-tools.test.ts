/** Requests as coding tools send them through the running program, in front of a provider that each test scripts. */
import { channelLine, ledgerOnScript } from '../support/ledger-on-script.ts';
import { runLedger } from '../support/running-ledger.ts';
import { codingToolsSuite } from './suites/coding-tools.ts';

const running = ledgerOnScript(runLedger, (url) => [
  channelLine({ id: 'openai', provider: 'openai' }, url),
  channelLine({ id: 'anthropic', provider: 'anthropic' }, url),
  channelLine({ id: 'vertex', provider: 'vertex', region: 'us-east5' }, url),
]);

codingToolsSuite(running);
