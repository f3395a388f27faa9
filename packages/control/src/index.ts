export * from './documents.ts';
export { ERRORS } from './errors.ts';
export * from './key-hash.ts';
export * from './load.ts';
export * from './secrets.ts';
export * from './state.ts';
