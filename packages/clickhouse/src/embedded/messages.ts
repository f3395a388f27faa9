/** What the embedded server and the process that started it tell each other. */

/** Given to the server as JSON in its first argument. */
export interface EmbeddedServerOptions {
  readonly directory: string;
  /** Of the engine; `''` means that it has none. */
  readonly configFile: string;
  readonly host: string;
  /** 0 means any free one. */
  readonly port: number;
  /** Queries at work at a time. */
  readonly sessions: number;
  /** How long to wait for another server on its way out to let go of the directory. */
  readonly lockWaitMs: number;
  /** For queries that run when the server is asked to stop; then they are killed. */
  readonly stopGraceMs: number;
}

/** From the server to its parent. */
export type EmbeddedServerMessage =
  | { readonly kind: 'listening'; readonly port: number; readonly version: string }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };
