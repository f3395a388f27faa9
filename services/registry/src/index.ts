/** The registry: the admin API, and the only writer of the control topic. */
export { type RegistryConfig, registryConfig } from './config.ts';
export { ERRORS } from './errors.ts';
export { createRegistryRole, type RegistryOptions, type RegistryRole } from './run.ts';
