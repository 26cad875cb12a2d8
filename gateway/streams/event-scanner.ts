// Finds where events end in an event stream (WHATWG HTML, section 9.2.5): after a blank line, whichever of LF, CR and
// CRLF ends its lines. Nothing is decoded or kept.

export interface EventScanner {
  /** Whether the bytes so far end where an event ends (or none has begun). */
  readonly atBoundary: boolean;
  /** Takes the next bytes of the stream. */
  push(chunk: Uint8Array): void;
  /** Takes bytes up to the first end of an event, or all of them when none ends here; answers how many it took. */
  pushToBoundary(chunk: Uint8Array): number;
}

const LF = 0x0a;
const CR = 0x0d;

function isLineEnd(byte: number | undefined): boolean {
  return byte === LF || byte === CR;
}

export function createEventScanner(): EventScanner {
  let atBoundary = true;
  /** Whether the current line has no character so far. */
  let lineIsEmpty = true;
  let lastWasCr = false;
  /** Whether that CR ended a blank line: an LF behind it still belongs to that line. */
  let crEndedEvent = false;

  function byte(value: number): void {
    if (value === LF && lastWasCr) {
      lastWasCr = false;
      atBoundary = crEndedEvent;
      return;
    }
    lastWasCr = value === CR;
    if (value === LF || value === CR) {
      atBoundary = lineIsEmpty;
      crEndedEvent = lineIsEmpty;
      lineIsEmpty = true;
    } else {
      atBoundary = false;
      lineIsEmpty = false;
    }
  }

  return {
    get atBoundary() {
      return atBoundary;
    },
    push(chunk) {
      // A character within a line forgets all that was before it, so only the line ends behind the last one matter.
      let at = chunk.length;
      while (at > 0 && isLineEnd(chunk[at - 1])) at--;
      for (at = Math.max(0, at - 1); at < chunk.length; at++) byte(chunk[at] as number); // In bounds: at < length.
    },
    pushToBoundary(chunk) {
      let at = 0;
      while (at < chunk.length) {
        byte(chunk[at++] as number); // In bounds: at < length.
        if (!atBoundary) continue;
        // CRLF is one line end: its LF goes along.
        if (lastWasCr && chunk[at] === LF) byte(chunk[at++] as number);
        return at;
      }
      return at;
    },
  };
}
