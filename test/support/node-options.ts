/** What Node is started with in production: the image says the same, and docs/ingress.md says why. */
export const NODE_OPTIONS: readonly string[] = [
  // Requests in flight outlive a small young generation, and would be copied on.
  '--max-semi-space-size=32',
  // Bodies are external memory. Without these two, V8 collects the whole heap after every 64 MB of bodies, however little of it is garbage.
  '--external-memory-accounted-in-global-limit',
  '--initial-heap-size=128',
];
