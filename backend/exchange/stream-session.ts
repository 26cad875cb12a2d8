// One connection of a lane: frames decoded, topics subscribed, ended when anything is wrong with it.
import { type Push, pushCodec } from './mexc-push.ts';
import { type MexcSocket, openMexcSocket } from './mexc-socket.ts';

export type SessionHooks = {
  readonly onPush: (push: Push) => void;
  readonly onSubscribed: (topic: string) => void;
  readonly onRefused: (topic: string, reason: string) => void;
};

export type Session = {
  /** Resolves with the reason once the connection is over, whoever ended it. */
  readonly ended: Promise<string>;
  readonly add: (topic: string) => void;
  readonly remove: (topic: string) => void;
  readonly end: (reason: string) => void;
};

/** Resolves once the exchange has answered for each of `topics`. Rejects when it does not come to that. */
export async function openSession(url: string, topics: readonly string[], hooks: SessionHooks): Promise<Session> {
  const { promise: ended, resolve } = Promise.withResolvers<string>();
  let socket: MexcSocket | undefined;

  function end(reason: string): void {
    socket?.close();
    resolve(reason);
  }

  function onFrame(bytes: Buffer): void {
    let push: Push;
    try {
      push = pushCodec.decode(bytes);
    } catch {
      end('a frame that cannot be read'); // What it held is lost, of whichever topic it was.
      return;
    }
    hooks.onPush(push);
  }

  async function subscribe(opened: MexcSocket, wanted: readonly string[]): Promise<void> {
    const refused = await opened.subscribe(wanted);
    for (const topic of wanted) {
      const reason = refused.get(topic);
      if (reason === undefined) hooks.onSubscribed(topic);
      else hooks.onRefused(topic, reason);
    }
  }

  const opened = await openMexcSocket(url, { onFrame, onDown: resolve });
  socket = opened;
  try {
    await subscribe(opened, topics);
  } catch (error) {
    opened.close();
    throw error;
  }
  return {
    ended,
    add: (topic) => void subscribe(opened, [topic]).catch((error: Error) => end(error.message)),
    remove: (topic) => opened.unsubscribe([topic]),
    end,
  };
}
