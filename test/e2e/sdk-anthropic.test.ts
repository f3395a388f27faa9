/** Anthropic's official package through the running program. */
import { ledgerOnSimulator } from '../support/ledger-on-simulator.ts';
import { runLedger } from '../support/running-ledger.ts';
import { anthropicSuite } from './suites/sdk-anthropic.ts';

anthropicSuite(ledgerOnSimulator(runLedger));
