/** Providers' official packages through the running program, in front of a provider that each test scripts. */
import { channelLine, ledgerOnScript } from '../support/ledger-on-script.ts';
import { runLedger } from '../support/running-ledger.ts';
import { azureSuite } from './suites/sdk-azure.ts';
import { cohereV1Suite } from './suites/sdk-cohere-v1.ts';
import { cohereSuite } from './suites/sdk-cohere.ts';
import { COMPATIBLE_PROVIDERS, compatibleSuite } from './suites/sdk-compatible.ts';
import { googleSuite } from './suites/sdk-google.ts';
import { mistralSuite } from './suites/sdk-mistral.ts';
import { ollamaSuite } from './suites/sdk-ollama.ts';
import { openaiSurfacesSuite } from './suites/sdk-openai-surfaces.ts';
import { vertexSuite } from './suites/sdk-vertex.ts';

const running = ledgerOnScript(runLedger, (url) => [
  channelLine({ id: 'openai', provider: 'openai' }, url),
  channelLine({ id: 'google', provider: 'google' }, url),
  channelLine({ id: 'vertex', provider: 'vertex', region: 'europe-west4' }, url),
  `{ id: mistral, provider: mistral, base_url: '${url}', credential: 'env:E2E_CREDENTIAL', priority: 200 }`,
  `{ id: azure, provider: azure, base_url: '${url}', credential: 'env:E2E_CREDENTIAL', priority: 200 }`,
  channelLine({ id: 'cohere', provider: 'cohere' }, url),
  channelLine({ id: 'ollama', provider: 'ollama', surfaces: ['ollama.chat', 'ollama.generate', 'ollama.embed'] }, url),
  ...COMPATIBLE_PROVIDERS.map(
    (provider) => `{ id: ${provider}, provider: ${provider}, base_url: '${url}', credential: 'env:E2E_CREDENTIAL', priority: 300 }`,
  ),
]);

openaiSurfacesSuite(running);
azureSuite(running);
googleSuite(running);
vertexSuite(running);
mistralSuite(running);
cohereSuite(running);
cohereV1Suite(running);
ollamaSuite(running);
compatibleSuite(running);
