/** How much of a stream is content and how much is what it is wrapped in. Measured on few events: all of them would cost as much as everything else that
 *  is done for a stream, and only an answer that breaks off has to be estimated. */

export class ContentShare {
  #streamBytes = 0;
  #sampledBytes = 0;
  #sampledContent = 0;
  #everyBytes = 0;
  #nextSampleAt = Number.POSITIVE_INFINITY;

  /** Bytes of content in the stream until now, by the share in what was looked at; 0 when no content was seen. */
  get contentBytes(): number {
    return this.#sampledBytes === 0 ? 0 : Math.round((this.#streamBytes * this.#sampledContent) / this.#sampledBytes);
  }

  /** Whether the next events are to be looked at. */
  get wantsSample(): boolean {
    return this.#streamBytes >= this.#nextSampleAt;
  }

  /** From now on: the next events, and again after every `everyBytes`. */
  sampleEvery(everyBytes: number): void {
    if (this.#nextSampleAt > this.#streamBytes) this.#nextSampleAt = this.#streamBytes;
    this.#everyBytes = everyBytes;
  }

  passed(bytes: number): void {
    this.#streamBytes += bytes;
  }

  sampled(bytes: number, content: number): void {
    this.#sampledBytes += bytes;
    this.#sampledContent += content;
  }

  sampleTaken(): void {
    this.#nextSampleAt = this.#streamBytes + this.#everyBytes;
  }
}
