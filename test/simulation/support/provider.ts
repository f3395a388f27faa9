/** A provider that bills what it served: the oracle of a run. */
import type { Pacing } from '@tokenledger/event-log';
import type { Chance } from './chance.ts';
import type { FaultCounts } from './fault-counts.ts';

export interface BilledAttempt {
  readonly attemptId: string;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** What the ingress hears of its call. */
export interface CallHandler {
  /** The answer begins. */
  began(): void;
  ended(attempt: BilledAttempt): void;
  /** Refused before it was served, or broken off. */
  failed(): void;
}

export interface ProviderFaults {
  readonly providerRefuses: number;
  readonly answerBreaks: number;
}

const ON_THE_WAY_MS_MAX = 3;
const THINKS_MS_MAX = 30;
const ANSWERS_MS_MAX = 40;
const TOKENS_MAX = 4_000;

export class Provider {
  readonly bill: BilledAttempt[] = [];
  faults: ProviderFaults = { providerRefuses: 0, answerBreaks: 0 };
  readonly #clock: Pacing;
  readonly #chance: Chance;
  readonly #counts: FaultCounts;

  constructor(clock: Pacing, chance: Chance, counts: FaultCounts) {
    this.#clock = clock;
    this.#chance = chance;
    this.#counts = counts;
  }

  /** Serves to the end whatever becomes of the caller. */
  async call(attemptId: string, handler: CallHandler): Promise<void> {
    const chance = this.#chance;
    await this.#clock.wait(chance.between(0, ON_THE_WAY_MS_MAX));
    if (chance.happens(this.faults.providerRefuses)) {
      this.#counts.add('providerRefuses');
      handler.failed();
      return;
    }
    const attempt = { attemptId, inputTokens: chance.integer(1, TOKENS_MAX), outputTokens: chance.integer(1, TOKENS_MAX) };
    this.bill.push(attempt);
    await this.#clock.wait(chance.between(0, THINKS_MS_MAX));
    handler.began();
    await this.#clock.wait(chance.between(0, ANSWERS_MS_MAX));
    if (chance.happens(this.faults.answerBreaks)) {
      this.#counts.add('answerBreaks');
      handler.failed();
    } else {
      handler.ended(attempt);
    }
  }
}
