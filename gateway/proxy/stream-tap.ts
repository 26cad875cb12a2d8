// What may read along with an open stream, without being in its way.

/**
 * It hears of bytes as they pass, and may only copy them then: it never throws, works later, and keeps no chunk itself, whose
 * memory is given back once it has been written.
 */
export interface StreamTap {
  /** The next bytes from the side that serves. */
  fromServer(chunk: Buffer): void;
  /** The next bytes from the client of a WebSocket. */
  fromClient(chunk: Buffer): void;
  /** The stream is over. */
  closed(): void;
}
