/** Recorded exchanges through the running program. */
import { runLedger } from '../support/running-ledger.ts';
import { recordingsSuite } from './suites/recordings.ts';

recordingsSuite(runLedger);
