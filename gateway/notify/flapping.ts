// What goes to and fro is told when it begins and then not at every turn: what holds at the end of a while is sent once,
// with the count of what was not.
import type { Notice, Notify } from './notice.ts';

/** For so long after its first notice a topic has this one and its counterpart only. */
const QUIET_MS = 600_000;
/** It is down, and it is up again: both are told at once. */
const BURST = 2;

interface Topic {
  sent: number;
  suppressed: number;
  held: Notice | undefined;
  timer: NodeJS.Timeout;
}

export interface Flapping {
  take: Notify;
  /** Sends what is held back, and ends. */
  close(): void;
}

export function createFlapping(send: Notify, quietMs = QUIET_MS): Flapping {
  const topics = new Map<string, Topic>(); // One per thing that was told of lately: sides, routes, rules.

  function open(name: string, notice: Notice): void {
    const timer = setTimeout(() => release(name), quietMs).unref();
    topics.set(name, { sent: 1, suppressed: 0, held: undefined, timer });
    send(notice);
  }

  function release(name: string): void {
    const topic = topics.get(name);
    topics.delete(name);
    if (topic?.held) open(name, withCount(topic.held, topic.suppressed - 1));
  }

  return {
    take(notice) {
      const { topic: name } = notice;
      const topic = name === undefined ? undefined : topics.get(name);
      if (name === undefined) send(notice);
      else if (!topic) open(name, notice);
      else if (topic.sent < BURST) {
        topic.sent++;
        send(notice);
      } else {
        topic.held = notice;
        topic.suppressed++;
      }
    },
    close() {
      for (const { held, suppressed, timer } of topics.values()) {
        clearTimeout(timer);
        if (held) send(withCount(held, suppressed - 1));
      }
      topics.clear();
    },
  };
}

function withCount(notice: Notice, suppressed: number): Notice {
  if (suppressed === 0) return notice;
  const sentence = `${notice.sentence} (it went to and fro: ${suppressed} notices before this one were not sent)`;
  return { ...notice, sentence, data: { ...notice.data, suppressed } };
}
