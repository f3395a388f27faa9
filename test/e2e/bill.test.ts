/** Ten thousand requests against the bill, with everything in one process. */
import { runLedger } from '../support/running-ledger.ts';
import { billSuite } from './suites/bill.ts';

billSuite(runLedger);
