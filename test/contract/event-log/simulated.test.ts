import { eventLogContract } from './event-log-contract.ts';
import { simulatedHarness } from './support/simulated-harness.ts';

const reason = 'the simulated log lives in memory and ends with its process';

eventLogContract('simulated', simulatedHarness, {
  notApplicable: {
    'what was acknowledged is there after a restart of the log': reason,
    'a committed offset and its metadata are there after a restart of the log': reason,
  },
});
