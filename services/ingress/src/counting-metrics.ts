/** What is shown of local counts: how exchanges were counted, how full the queue is, what the threads cost. */
import type { Counted } from '@tokenledger/domain';
import type { CounterSeries, Metrics } from '@tokenledger/runtime';
import type { Counting } from './counting.ts';

const MICROSECONDS = 1e-6;

/** Takes each count that is done. `counting`: undefined when nothing is counted, and then nothing is shown. */
export function countingMetrics(metrics: Metrics, counting: Pick<Counting, 'stats' | 'bytesHeld'> | undefined): (counted: Counted) => void {
  if (counting === undefined) return () => undefined;
  const counts = metrics.counter('counts_total', 'Exchanges by how they were counted locally, or by why not.', ['result']);
  metrics.gaugeOf('counting_queue', 'Requests and answers that wait to be counted or are.', () => counting.stats.queuedParts);
  metrics.gaugeOf('counting_bytes', 'Bytes of requests and answers that are kept until they are counted.', () => counting.bytesHeld);
  metrics.counterOf(
    'counting_cpu_seconds_total',
    'Processor time of the threads that count.',
    () => counting.stats.threadCpuUs * MICROSECONDS,
  );
  metrics.counterOf('counting_thread_faults_total', 'Threads of the counter that failed.', () => counting.stats.threadFaults);
  const byResult = new Map<string, CounterSeries>();
  return ({ method, reason }) => {
    const result = reason === '' ? method : reason;
    let series = byResult.get(result);
    if (series === undefined) byResult.set(result, (series = counts.with({ result })));
    series.inc();
  };
}
