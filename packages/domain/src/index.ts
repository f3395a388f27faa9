export * from './charge.ts';
export * from './errors.ts';
export * from './event.ts';
export * from './event-check.ts';
export * from './money.ts';
export * from './priced-event.ts';
export * from './usage.ts';
export * from './uuid.ts';
