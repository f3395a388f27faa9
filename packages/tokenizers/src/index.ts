export { type Calibration, type CountMethod, NO_COUNT_REASONS, type NoCountReason, type PartCount } from './count.ts';
export { type CountablePart, countPart, type InputPart, type OutputPart } from './count-part.ts';
export { COUNTING_LIMITS, type CountingLimits, type CountingStats } from './counting-pool.ts';
export { familyOf, type FramingName, type ModelFamily, plainName } from './family.ts';
export { type CountableAnswer, type CountableRequest, openTokenCounter, type RunningCount, type TokenCounter } from './token-counter.ts';
export { TOKENIZER_NAMES, type TokenizerName } from './tokenizer.ts';
