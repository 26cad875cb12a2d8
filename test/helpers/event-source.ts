// A client of server-sent events, as a test reads them: one after the other, each wait with a deadline.
import { within } from './deadline.ts';

export interface ServerSentEvent {
  readonly id: string | undefined;
  readonly name: string;
  // Tests assert on what is in it.
  // biome-ignore lint/suspicious/noExplicitAny: the shape is what a test is about
  readonly data: any;
}

export interface EventSource {
  readonly status: number;
  /** All so far. */
  readonly events: readonly ServerSentEvent[];
  /** The next event that is wanted, of those not yet answered. */
  next(isWanted: (event: ServerSentEvent) => boolean, label: string): Promise<ServerSentEvent>;
  /** Resolves when the server has ended the stream, or broken it off. */
  readonly ended: Promise<void>;
  close(): void;
}

export async function followEvents(url: string, headers: Record<string, string>): Promise<EventSource> {
  const leave = new AbortController();
  const response = await fetch(url, { headers, signal: leave.signal });
  const events: ServerSentEvent[] = [];
  let read = 0;
  let arrived = () => {};
  const ended = (async () => {
    let text = '';
    const decoder = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      text += decoder.decode(chunk, { stream: true });
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      events.push(...blocks.flatMap(parse));
      arrived();
    }
  })().catch(() => {});
  return {
    status: response.status,
    events,
    ended,
    async next(isWanted, label) {
      const found = async () => {
        for (;;) {
          while (read < events.length) {
            const event = events[read++];
            if (event && isWanted(event)) return event;
          }
          await new Promise<void>((resolve) => {
            arrived = resolve;
          });
        }
      };
      return within(found(), label);
    },
    close: () => leave.abort(),
  };
}

function parse(block: string): ServerSentEvent[] {
  const fields = new Map(block.split('\n').map((line) => line.split(/: ?(.*)/s, 2) as [string, string]));
  const data = fields.get('data');
  return data === undefined ? [] : [{ id: fields.get('id'), name: fields.get('event') ?? '', data: JSON.parse(data) }];
}
