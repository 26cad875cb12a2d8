// The clients of GET /api/events: each a stream of server-sent events (HTML standard, section 9.2). What a slow client has
// not read is bounded: beyond it the client is cut off, and comes back by itself.
import type { OperatorDeps } from '../context.ts';
import { summaryOf } from './topics.ts';
import { createWatch, type Watch } from './watch.ts';

/** Streams open at once. */
export const CLIENTS_MAX = 200;
/** What one client may leave unread. */
export const UNREAD_BYTES_MAX = 1_048_576;
export const SUMMARY_MS = 2_000;
/** Proxies end what is silent for longer. */
export const HEARTBEAT_MS = 10_000;
const RETRY_MS = 2_000;

export interface Listener {
  readonly lastEventId: string | undefined;
  /** Whether he may still listen; asked with every heartbeat. */
  readonly mayListen: () => boolean;
}

export interface Feed {
  /** A new client's stream; undefined where there is no room, or the gateway stops. */
  open(listener: Listener): Promise<ReadableStream<Uint8Array> | undefined>;
  readonly watch: Watch;
  /** Ends all streams, for good. */
  close(): void;
}

interface Client {
  readonly listener: Listener;
  readonly controller: ReadableStreamDefaultController<Uint8Array>;
}

/** The clients that are there, and what is sent to them. */
class Clients {
  readonly #all = new Set<Client>(); // CLIENTS_MAX at most.
  readonly #encoder = new TextEncoder();
  readonly #metrics: OperatorDeps['metrics'];
  readonly #onEmpty: () => void;

  constructor(metrics: OperatorDeps['metrics'], onEmpty: () => void) {
    this.#metrics = metrics;
    this.#onEmpty = onEmpty;
  }

  get hasRoom(): boolean {
    return this.#all.size < CLIENTS_MAX;
  }

  add(client: Client): void {
    this.#all.add(client);
    this.#metrics.eventClients.set(this.#all.size);
  }

  remove(client: Client): void {
    if (!this.#all.delete(client)) return;
    this.#metrics.eventClients.set(this.#all.size);
    if (this.#all.size === 0) this.#onEmpty();
  }

  send(client: Client, text: string): void {
    const { controller } = client;
    controller.enqueue(this.#encoder.encode(text));
    if ((controller.desiredSize ?? 0) > 0) return;
    this.#metrics.eventClientsDropped.inc();
    this.remove(client);
    controller.error(new Error(`the client left more than ${UNREAD_BYTES_MAX} bytes unread`));
  }

  broadcast(text: string): void {
    for (const client of this.#all) this.send(client, text);
  }

  /** Tells all that the stream is alive, and ends those of whoever may not listen any more. */
  beat(): void {
    for (const client of this.#all) {
      if (client.listener.mayListen()) this.send(client, ': still here\n\n');
      else this.#end(client);
    }
  }

  endAll(): void {
    for (const client of this.#all) this.#end(client);
  }

  #end(client: Client): void {
    this.remove(client);
    client.controller.close();
  }
}

export function createFeed(deps: OperatorDeps, isDraining: () => boolean): Feed {
  let timers: NodeJS.Timeout[] = [];
  let isClosed = false;
  const watch = createWatch({
    ...{ deps, isDraining },
    say: ({ id, event }) => clients.broadcast(block(event.name, event.data, id)),
  });
  const clients = new Clients(deps.metrics, () => {
    for (const timer of timers) clearInterval(timer);
    timers = [];
    watch.linger();
  });
  const summary = () => block('summary', summaryOf(deps));

  function summarise(): void {
    try {
      clients.broadcast(summary());
    } catch (error) {
      deps.raised('events.summary', error);
    }
  }

  /** Undefined where it is not known, or more than can be told at once: then the client asks for everything anew. */
  function missedSince(id: string | undefined): string | undefined {
    const events = id === undefined ? undefined : watch.ring.since(id);
    const text = events?.map(({ id, event }) => block(event.name, event.data, id)).join('');
    return text !== undefined && text.length < UNREAD_BYTES_MAX / 2 ? text : undefined;
  }

  function welcome(client: Client): void {
    if (timers.length === 0) {
      timers = [setInterval(summarise, SUMMARY_MS).unref(), setInterval(() => clients.beat(), HEARTBEAT_MS).unref()];
    }
    clients.add(client);
    const { lastEventId } = client.listener;
    const missed = missedSince(lastEventId);
    const { environment } = deps.settings.current.config;
    const hello = { at: deps.now().toISOString(), environment, resumed: missed !== undefined };
    const id = missed === undefined ? watch.ring.latest : lastEventId;
    clients.send(client, `retry: ${RETRY_MS}\n\n${block('hello', hello, id)}${missed ?? ''}${summary()}`);
  }

  return {
    watch,
    async open(listener) {
      if (isClosed || !clients.hasRoom) return undefined;
      await watch.begin();
      if (isClosed || !clients.hasRoom) return undefined;
      let client: Client;
      return new ReadableStream<Uint8Array>(
        {
          start(controller) {
            client = { listener, controller };
            welcome(client);
          },
          cancel: () => clients.remove(client),
        },
        new ByteLengthQueuingStrategy({ highWaterMark: UNREAD_BYTES_MAX }),
      );
    },
    close() {
      isClosed = true;
      clients.endAll();
      watch.close();
    },
  };
}

/** One event. JSON has no line ends of its own, so its data is one line. */
function block(name: string, data: object, id?: string): string {
  return `${id === undefined ? '' : `id: ${id}\n`}event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
}
