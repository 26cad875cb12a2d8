// What may read along with an open stream, without being in its way.

/**
 * It hears of bytes once they are on their way. It never throws, and copies at once what it keeps: the memory of a chunk may
 * be given back as soon as it has been written.
 */
export interface StreamTap {
  /** The next bytes from the side that serves. */
  fromServer(chunk: Buffer): void;
  /** The next bytes from the client of a WebSocket. */
  fromClient(chunk: Buffer): void;
  /** The stream is over. */
  closed(): void;
}
