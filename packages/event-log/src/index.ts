export * from './port.ts';
export * from './topics.ts';
export * from './shapes/types.ts';
