/** What a key is for, and the limits that go with it unless a key says otherwise. Data only: limits are enforced where requests are decided. */
import { z } from 'zod';

export const KEY_CLASS_NAMES = ['production', 'experimental', 'sandbox'] as const;

export const keyClassSchema = z.enum(KEY_CLASS_NAMES);

export type KeyClass = z.infer<typeof keyClassSchema>;

/** Null is no limit. */
export interface KeyClassDefaults {
  /** One sentence for people. */
  readonly about: string;
  readonly requestsPerMinuteMax: number | null;
  /** Input and output together. */
  readonly tokensPerMinuteMax: number | null;
  readonly requestsInFlightMax: number | null;
  /** In 10⁻¹² USD, per calendar day in UTC. */
  readonly spendPerDayMaxPicoUsd: bigint | null;
}

const PICO_PER_USD = 1_000_000_000_000n;

export const KEY_CLASSES: Readonly<Record<KeyClass, KeyClassDefaults>> = {
  production: {
    about: 'Serves customers: no limit of its own, only those that a budget sets.',
    requestsPerMinuteMax: null,
    tokensPerMinuteMax: null,
    requestsInFlightMax: null,
    spendPerDayMaxPicoUsd: null,
  },
  experimental: {
    about: 'Tries something out beside production: enough for a load test, too little for an accident.',
    requestsPerMinuteMax: 600,
    tokensPerMinuteMax: 2_000_000,
    requestsInFlightMax: 64,
    spendPerDayMaxPicoUsd: 100n * PICO_PER_USD,
  },
  sandbox: {
    about: 'One person at a keyboard: notebooks, demos, courses.',
    requestsPerMinuteMax: 60,
    tokensPerMinuteMax: 200_000,
    requestsInFlightMax: 8,
    spendPerDayMaxPicoUsd: 5n * PICO_PER_USD,
  },
};
