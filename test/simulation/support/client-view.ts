/** What the client of one request has seen of it, and what the journal has made sure of. */

export interface ClientView {
  readonly attemptId: string;
  readonly acceptedAtMs: number;
  /** Answered 503 before anything was forwarded. */
  refused: boolean;
  /** The opening record is on disk: from then on not even a power cut can take the request away. */
  openingSafe: boolean;
  sawEnd: boolean;
  /** Its end is in the journal, and was not heard of by anybody when the ingress died. */
  ingressLost: 'no' | 'killed' | 'power_cut';
}
