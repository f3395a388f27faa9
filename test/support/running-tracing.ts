/** An ingress whose requests are traced to a receiver of the test's own. */
import { createRegistry, silentLogger } from '@tokenledger/runtime';
import { createTracing, type Tracing, type TracingConfig, tracingConfig } from '@tokenledger/tracing';
import { type RunningIngress, runIngress, type RunningIngressOptions } from './running-ingress.ts';

export interface TracedIngress extends RunningIngress {
  readonly tracing: Tracing;
  /** Value of a metric of tracing by name and labels as Prometheus writes them; 0 when it has none. */
  metric(name: string): Promise<number>;
}

export async function runTracedIngress(
  options: RunningIngressOptions & { readonly tracingConfig: Partial<TracingConfig> },
): Promise<TracedIngress> {
  const metrics = createRegistry({ processMetrics: false });
  const tracing = createTracing({
    config: tracingConfig.parse({ batch_delay_ms: 10, ...options.tracingConfig }),
    logger: silentLogger(),
    metrics,
    version: '1.2.3',
    readSecret: (reference) => `value of ${reference}`,
  });
  if (tracing === undefined) throw new Error('an endpoint is needed');
  await tracing.start();
  const ingress = await runIngress({ ...options, tracing });
  return {
    ...ingress,
    tracing,
    async metric(name) {
      const lines = (await metrics.metrics()).split('\n');
      return Number(lines.find((line) => line.startsWith(`${name} `))?.slice(name.length + 1) ?? 0);
    },
    async [Symbol.asyncDispose]() {
      await ingress[Symbol.asyncDispose]();
      await tracing.stop(1000);
    },
  };
}
