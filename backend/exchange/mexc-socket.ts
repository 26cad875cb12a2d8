// One WebSocket connection to MEXC: subscribing, being heard, noticing that it is dead.
import { WebSocket } from 'ws';
import { z } from 'zod';

const CONNECT_TIMEOUT_MS = 10_000;
const ACK_TIMEOUT_MS = 10_000;
/** The exchange closes what is silent for 60 s. */
const PING_EVERY_MS = 15_000;
/** Neither data nor an answer to two pings: dead, whatever TCP believes. */
const SILENCE_MAX_MS = 35_000;
/** One frame is one book's changes of 10 or 100 ms, or the levels of it: far less. */
const FRAME_BYTES_MAX = 4 * 1024 * 1024;
/** Subscriptions the exchange takes of one connection. */
export const TOPICS_MAX = 30;

export type SocketHooks = {
  /** A data frame, as it came. */
  readonly onFrame: (bytes: Buffer) => void;
  /** Once, after opening: the connection is gone, or has been given up. Not called for `close`. */
  readonly onDown: (reason: string) => void;
};

export type MexcSocket = {
  /**
   * Resolves with the topics that were refused and why, once the exchange has answered for all: those of the others that
   * happen from now on will arrive. Rejects when the connection ends first, or when no answer comes.
   */
  readonly subscribe: (topics: readonly string[]) => Promise<ReadonlyMap<string, string>>;
  readonly unsubscribe: (topics: readonly string[]) => void;
  readonly close: () => void;
};

const ack = z.object({ code: z.number(), msg: z.string() });

type Waiting = {
  readonly left: Set<string>;
  readonly refused: Map<string, string>;
  readonly resolve: (refused: ReadonlyMap<string, string>) => void;
  readonly reject: (error: Error) => void;
};

function parseAck(text: string): z.infer<typeof ack> | undefined {
  try {
    return ack.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined; // Words we do not know: the answers we wait for will be missed by their deadline.
  }
}

/** Acknowledgements carry no id that could be trusted (always 0), but the topic's name, alone or within a sentence. */
function settle(waiting: Set<Waiting>, { code, msg }: z.infer<typeof ack>): void {
  for (const each of waiting) {
    const topic = each.left.has(msg) ? msg : [...each.left].find((name) => msg.includes(`[${name}]`));
    if (topic === undefined) continue;
    each.left.delete(topic);
    if (code !== 0) each.refused.set(topic, msg);
    if (each.left.size === 0) {
      waiting.delete(each);
      each.resolve(each.refused);
    }
    return;
  }
}

function opened(socket: WebSocket): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('open', resolve);
    socket.once('error', reject);
    socket.once('close', (code) => reject(new Error(`closed with ${code} while opening`)));
  });
}

/** Resolves once open. Rejects when that fails or takes too long. */
export async function openMexcSocket(url: string, hooks: SocketHooks): Promise<MexcSocket> {
  const socket = new WebSocket(url, {
    handshakeTimeout: CONNECT_TIMEOUT_MS,
    maxPayload: FRAME_BYTES_MAX,
    perMessageDeflate: false,
    skipUTF8Validation: true, // Text is only acknowledgements, and those are parsed.
  });
  socket.on('error', () => {}); // 'close' follows and says it.
  await opened(socket);

  const waiting = new Set<Waiting>();
  let heardAtMs = performance.now();
  let isOver = false;

  function end(reason: string): void {
    if (isOver) return;
    isOver = true;
    clearInterval(pinging);
    socket.terminate();
    for (const each of waiting) each.reject(new Error(reason));
    waiting.clear();
  }
  function down(reason: string): void {
    if (isOver) return;
    end(reason);
    hooks.onDown(reason);
  }
  const send = (method: string, params?: readonly string[]) =>
    socket.send(JSON.stringify(params ? { method, params } : { method }), () => {}); // A failure closes, and that is heard.

  const pinging = setInterval(() => {
    if (performance.now() - heardAtMs > SILENCE_MAX_MS) down(`nothing was heard for ${SILENCE_MAX_MS} ms`);
    else send('PING');
  }, PING_EVERY_MS);

  socket.on('message', (data: Buffer, isBinary) => {
    heardAtMs = performance.now();
    if (isOver) return;
    if (isBinary) return hooks.onFrame(data);
    const answer = parseAck(data.toString());
    if (answer) settle(waiting, answer);
  });
  socket.on('close', (code) => down(`closed with ${code}`));

  return {
    subscribe(topics) {
      if (isOver) return Promise.reject(new Error('the connection is closed'));
      if (topics.length === 0) return Promise.resolve(new Map());
      return new Promise((resolve, reject) => {
        const late = setTimeout(() => down(`no answer to a subscription within ${ACK_TIMEOUT_MS} ms`), ACK_TIMEOUT_MS);
        const settled =
          <T>(then: (value: T) => void) =>
          (value: T) => {
            clearTimeout(late);
            then(value);
          };
        waiting.add({
          left: new Set(topics),
          refused: new Map(),
          resolve: settled(resolve),
          reject: settled(reject),
        });
        send('SUBSCRIPTION', topics);
      });
    },
    unsubscribe: (topics) => send('UNSUBSCRIPTION', topics),
    close: () => end('closed by us'),
  };
}
