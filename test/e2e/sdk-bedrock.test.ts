/** Amazon's official package through the running program, in front of a provider that checks signatures as Amazon does. */
import { channelLine, ledgerOnScript } from '../support/ledger-on-script.ts';
import { runLedger } from '../support/running-ledger.ts';
import { AWS_REGION, AWS_SECRET, bedrockSuite } from './suites/sdk-bedrock.ts';

const running = ledgerOnScript(
  runLedger,
  (url) => [channelLine({ id: 'bedrock', provider: 'bedrock', region: AWS_REGION }, url)],
  AWS_SECRET,
);

bedrockSuite(running);
