/** OpenAI's official package through the running program. */
import { ledgerOnSimulator } from '../support/ledger-on-simulator.ts';
import { runLedger } from '../support/running-ledger.ts';
import { openaiSuite } from './suites/sdk-openai.ts';

openaiSuite(ledgerOnSimulator(runLedger));
