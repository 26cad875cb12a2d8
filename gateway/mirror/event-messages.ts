// Events as a reader of an event stream gets them (WHATWG HTML, section 9.2.6), for comparing. Bounded: an event that is
// too large is left out and counted.

export interface ServerSentEvent {
  /** `message` where the stream names none. */
  readonly event: string;
  /** The id that this very event carries; undefined without one. */
  readonly id: string | undefined;
  readonly data: string;
}

export interface EventReader {
  /** Takes the next bytes; answers the events that are whole with them. */
  push(chunk: Uint8Array): ServerSentEvent[];
  /** Events that were larger than may be kept. */
  readonly dropped: number;
}

const LINE_END = /\r\n|\n|\r/;

export function createEventReader(eventCharsMax: number): EventReader {
  const decoder = new TextDecoder(); // Takes off a byte order mark, as the standard says.
  let rest = '';
  let lines: string[] = [];
  let chars = 0;
  let isTooLarge = false;
  let dropped = 0;

  function endEvent(): ServerSentEvent | undefined {
    const wasTooLarge = isTooLarge;
    const event = wasTooLarge ? undefined : parseEvent(lines);
    lines = [];
    chars = 0;
    isTooLarge = false;
    if (wasTooLarge) dropped++;
    return event;
  }

  return {
    get dropped() {
      return dropped;
    },
    push(chunk) {
      const events: ServerSentEvent[] = [];
      let text = rest + decoder.decode(chunk, { stream: true });
      // A CR at the end may be half of a CRLF.
      const held = text.endsWith('\r') ? '\r' : '';
      if (held) text = text.slice(0, -1);
      const parts = text.split(LINE_END);
      rest = (parts.pop() ?? '') + held;
      for (const line of parts) {
        if (line === '') {
          const event = endEvent();
          if (event) events.push(event);
          continue;
        }
        chars += line.length;
        if (chars > eventCharsMax) {
          isTooLarge = true;
          lines = [];
        } else lines.push(line);
      }
      if (chars + rest.length > eventCharsMax) {
        isTooLarge = true;
        lines = [];
        // Of a line that is too long only its end matters.
        rest = rest.slice(-1);
      }
      return events;
    },
  };
}

/** Comments and fields that nobody knows are skipped; an event without data is none. */
function parseEvent(lines: readonly string[]): ServerSentEvent | undefined {
  let event = 'message';
  let id: string | undefined;
  const data: string[] = [];
  for (const line of lines) {
    const colon = line.indexOf(':');
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(colon + (line[colon + 1] === ' ' ? 2 : 1));
    if (name === 'data') data.push(value);
    else if (name === 'event') event = value || 'message';
    else if (name === 'id' && !value.includes('\0')) id = value;
  }
  return data.length > 0 ? { event, id, data: data.join('\n') } : undefined;
}
