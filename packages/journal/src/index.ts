export * from './journal.ts';
export * from './memory-journal.ts';
