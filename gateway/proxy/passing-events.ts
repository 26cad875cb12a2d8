// Answers that are event streams (WHATWG HTML, section 9.2), as forward.ts passes them on and others may end them.
import { headerValue } from './headers.ts';

/** How an open event stream can be ended before its upstream ends it. Not to be called before the next tick. */
export interface EventStreamEnds {
  /** The answer's end-to-end fields. */
  readonly headers: readonly string[];
  /** Ends the answer where it is, as if it were complete. */
  end(): void;
  /** Cuts the client's connection. */
  cut(): void;
}

export interface PassingEvents {
  /** Sees the next bytes; answers those of them that go to the client. */
  pass(chunk: Buffer): Buffer;
  /** The stream is over. */
  closed(): void;
}

/** Whether an answer with these fields is an event stream. */
export function isEventStream(headers: readonly string[]): boolean {
  return headerValue(headers, 'content-type')?.toLowerCase().startsWith('text/event-stream') ?? false;
}
