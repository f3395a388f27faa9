/** Changes of keys and channels under load, with everything in one process. */
import { runLedger } from '../support/running-ledger.ts';
import { controlSuite } from './suites/control.ts';

controlSuite(runLedger);
