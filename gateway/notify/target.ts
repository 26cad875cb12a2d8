// One target of notifications: its messages in their order, each sent again until it is taken, or given up.
import type { NotifyTarget } from '../../config/notify-targets.ts';
import { waitMs } from '../rollout/poll.ts';
import { cloudEvent, type Message, slackMessage, type Teller } from './message.ts';
import type { TargetState } from './notifier-port.ts';
import type { Attempt, Post } from './post.ts';
import { signatureFields } from './sign.ts';

/** Messages that wait; while more come the oldest are dropped. */
const QUEUE_MAX = 200;
/** Over some four minutes, as the waits between them grow. */
const ATTEMPTS_MAX = 8;
const RETRY_MS = 1_000;
const RETRY_MS_MAX = 60_000;

/** What becomes of messages. */
export type Outcome = 'sent' | 'failed' | 'dropped';

export interface TargetDeps {
  readonly target: NotifyTarget;
  readonly teller: Teller;
  readonly post: Post;
  readonly nowMs: () => number;
  /** `why` is of a closed list, undefined for what was sent. */
  readonly onOutcome: (outcome: Outcome, why: string | undefined, problem: string | undefined) => void;
  /** How long to wait after so many failures in a row. */
  readonly retryMs?: (failures: number) => number;
}

export interface Target {
  readonly config: NotifyTarget;
  take(message: Message): void;
  /** Sends now, past those that wait, once. Never rejects. */
  sendOnce(message: Message): Promise<Attempt>;
  state(): TargetState;
  /** Tries what waits once more, and ends when that is done or `signal` says so. Never rejects. */
  close(signal: AbortSignal): Promise<void>;
}

export function createTarget({ target, teller, post, nowMs, onOutcome, retryMs = grownWaitMs }: TargetDeps): Target {
  const counts = { sent: 0, failed: 0, dropped: 0 };
  const ending = new AbortController();
  let queue: readonly Message[] = []; // QUEUE_MAX at most.
  let problem: string | undefined;
  let isGone = false;
  let isClosing = false;
  let wake = () => {};
  let running: Promise<void> | undefined;

  const count = (outcome: Outcome, why?: string, said?: string) => {
    counts[outcome]++;
    onOutcome(outcome, why, said);
  };

  function attempt(message: Message): Promise<Attempt> {
    const isSlack = target.kind === 'slack';
    const body = isSlack ? slackMessage(message, teller) : cloudEvent(message, teller);
    const type = isSlack ? 'application/json' : 'application/cloudevents+json; charset=utf-8';
    const signed = target.keys.length > 0 ? signatureFields({ id: message.id, body }, target.keys, nowMs()) : {};
    return post(target.url, body, { 'content-type': type, ...signed }, ending.signal);
  }

  /** Sends one message until it is taken or given up. */
  async function deliver(message: Message): Promise<void> {
    for (let failures = 1; ; failures++) {
      const made = await attempt(message);
      if (made.kind === 'taken') {
        problem = undefined;
        return count('sent');
      }
      problem = made.problem;
      if (made.kind === 'gone') isGone = true;
      if (made.kind !== 'retry') return count('failed', made.kind, problem);
      if (isClosing) return count('failed', 'stopped', problem);
      if (failures >= ATTEMPTS_MAX) return count('failed', 'gave_up', problem);
      await pause(made.afterMs ?? retryMs(failures));
    }
  }

  /** Ends early when the target is closed. */
  function pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms).unref();
      wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async function run(): Promise<void> {
    for (let message = queue[0]; message; message = queue[0]) {
      await deliver(message);
      queue = queue.filter((each) => each !== message); // It may have been dropped meanwhile.
      if (isGone || ending.signal.aborted) drop(queue.length, isGone ? 'gone' : 'stopped');
    }
    running = undefined;
  }

  function drop(messages: number, why: string): void {
    queue = queue.slice(messages);
    for (let i = 0; i < messages; i++) count('dropped', why);
  }

  return {
    config: target,
    take(message) {
      if (isGone || isClosing) return count('dropped', isGone ? 'gone' : 'stopped');
      if (queue.length >= QUEUE_MAX) drop(1, 'queue');
      queue = [...queue, message];
      running ??= run();
    },
    sendOnce: attempt,
    state: () => ({ waiting: queue.length, ...counts, problem }),
    async close(signal) {
      isClosing = true;
      wake();
      const cut = () => ending.abort();
      if (signal.aborted) cut();
      else signal.addEventListener('abort', cut, { once: true });
      await running;
      signal.removeEventListener('abort', cut);
    },
  };
}

function grownWaitMs(failures: number): number {
  return waitMs(failures, RETRY_MS, RETRY_MS_MAX);
}
