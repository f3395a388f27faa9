/** Tracing of the ingress as a part of the process; none when no receiver is configured. */
import { secretReader } from '@tokenledger/control';
import type { Logger, Registry } from '@tokenledger/runtime';
import { createTracing, type Tracing } from '@tokenledger/tracing';
import type { Settings } from './settings.ts';
import { VERSION } from './version.ts';

export function tracingOf(settings: Settings, logger: Logger, metrics: Registry): Tracing | undefined {
  return createTracing({
    config: settings.config.tracing,
    logger,
    metrics,
    version: VERSION,
    readSecret: secretReader(settings.environment, settings.layout.root),
  });
}
