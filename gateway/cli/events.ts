// Following the operator API's event stream from the command line: over breaks of the connection, by Last-Event-ID.
import { setTimeout as delay } from 'node:timers/promises';
import { request } from 'undici';
import { CommandError, EXIT } from './exit.ts';

export interface FollowedEvent {
  readonly name: string;
  readonly data: unknown;
}

const RETRY_MS = 2_000;
/** The gateway says something every ten seconds. */
const SILENCE_MS = 30_000;
const LINE_CHARS_MAX = 4_194_304;

export interface FollowOptions {
  readonly url: string;
  readonly token: string;
  readonly signal: AbortSignal;
  /** Told of each break. */
  readonly onBreak: (problem: string) => void;
}

/** Ends when `signal` does. @throws {CommandError} where the first connection is refused, or any as not permitted. */
export async function* followEvents(options: FollowOptions): AsyncGenerator<FollowedEvent> {
  const { signal, onBreak } = options;
  let lastEventId: string | undefined;
  for (let isFirst = true; !signal.aborted; isFirst = false) {
    try {
      for await (const event of once(options, lastEventId)) {
        lastEventId = event.id ?? lastEventId;
        yield event;
      }
      onBreak('the gateway has ended the stream');
    } catch (error) {
      if (signal.aborted) return;
      const isFinal = error instanceof CommandError && (isFirst || error.code === EXIT.notPermitted);
      if (isFinal) throw error;
      onBreak((error as Error).message);
    }
    await delay(RETRY_MS, undefined, { signal }).catch(() => {});
  }
}

interface NumberedEvent extends FollowedEvent {
  readonly id: string | undefined;
}

async function* once(
  { url, token, signal }: FollowOptions,
  lastEventId: string | undefined,
): AsyncGenerator<NumberedEvent> {
  const headers = {
    authorization: `Bearer ${token}`,
    ...(lastEventId === undefined ? {} : { 'last-event-id': lastEventId }),
  };
  const response = await request(new URL('/api/events', url), {
    ...{ headers, signal, bodyTimeout: SILENCE_MS, headersTimeout: SILENCE_MS },
  }).catch((error: unknown) => {
    throw new CommandError(EXIT.unreachable, `cannot reach ${url}: ${(error as Error).message}`, { cause: error });
  });
  const { statusCode, body } = response;
  if (statusCode !== 200) {
    await body.dump();
    const code = statusCode === 401 || statusCode === 403 ? EXIT.notPermitted : EXIT.error;
    throw new CommandError(code, `${url} answers ${statusCode} to GET /api/events`);
  }
  let text = '';
  body.setEncoding('utf8');
  for await (const chunk of body) {
    text += chunk;
    if (text.length > LINE_CHARS_MAX) throw new Error('an event is too large');
    const blocks = text.split('\n\n');
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const event = parseEvent(block);
      if (event) yield event;
    }
  }
}

/** One block of a stream of server-sent events, as this API writes them: each field once, data in one line. Pure. */
export function parseEvent(block: string): NumberedEvent | undefined {
  const fields = new Map(
    block.split('\n').map((line) => {
      const colon = line.indexOf(':');
      return [line.slice(0, colon), line.slice(colon + 1).trimStart()] as const;
    }),
  );
  const data = fields.get('data');
  return data === undefined
    ? undefined
    : { id: fields.get('id'), name: fields.get('event') ?? '', data: JSON.parse(data) };
}
