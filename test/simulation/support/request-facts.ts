/** What the requests of a run have in common, and the prices that hold for them. */
import type { Attribution } from '@tokenledger/domain';
import { isRejected } from '@tokenledger/domain';
import { parsePriceBook, type PriceBook, priceSchedule, type PriceSchedule } from '@tokenledger/pricing';

export const SURFACE = 'openai.chat';
export const PROVIDER = 'openai';
export const MODEL = 'm';

/** The date at which the virtual clock begins: an hour before a month ends, so that clocks that jump reach the next one. */
export const START_MS = Date.parse('2026-01-31T23:00:00Z');
const HOUR_MS = 3_600_000;

export function blankAttribution(virtualKeyId: string): Attribution {
  return {
    tenantId: 'acme',
    projectId: '',
    ownerId: '',
    team: '',
    userId: '',
    virtualKeyId,
    application: '',
    applicationVersion: '',
    feature: '',
    workflowId: '',
    taskId: '',
    taskType: '',
    conversationId: '',
    environment: '',
    promptVersion: '',
    mcpServer: '',
    labels: {},
    settlementKind: '',
    settlementId: '',
  };
}

function bookAt(input: number, output: number): PriceBook {
  const book = parsePriceBook(`
sources: { page: { url: https://example.com/prices, date: 2026-01-01 } }
blocks:
  - { provider: ${PROVIDER}, models: [${MODEL}], effective_from: 2025-01-01, source: page, prices: { standard: { input: ${input}, output: ${output} } } }`);
  if (isRejected(book)) throw new Error(book.message);
  return book;
}

/** Two activations: whoever's clock jumps crosses one of them. */
export const PRICES: PriceSchedule = priceSchedule(bookAt(1, 2), [
  { id: 'evening', activatesAtMs: START_MS + 2_000, book: bookAt(3, 5) },
  { id: 'february', activatesAtMs: START_MS + HOUR_MS, book: bookAt(7, 11) },
]);
