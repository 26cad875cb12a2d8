// What of one side of two streams waits for its counterparts in the other, and what of it is remembered.
import { createHash } from 'node:crypto';

/** What both sides are compared by. */
export interface KeyedMessage {
  /** Messages of the two sides with equal keys are the same one. Repeated keys pair in their order. */
  readonly key: string;
  readonly body: Buffer;
  /** When it came, in milliseconds of a steady clock. */
  readonly atMs: number;
}

/** Keys of a side that are remembered, to know those that repeat. */
const KEYS_MAX = 4_096;

export interface Waiting<Message> {
  readonly message: Message;
  /** Its place among the messages of its side. */
  readonly n: number;
  /** Its side has sent this key before. */
  readonly isRepeat: boolean;
}

/** What of one side waits, the oldest first: fresh for a window, then aged. */
export class SideState<Message extends KeyedMessage> {
  openedMs = Number.POSITIVE_INFINITY;
  closedMs = Number.POSITIVE_INFINITY;
  heard = 0;
  bytes = 0;
  readonly keys = new RecentSet(KEYS_MAX);
  readonly fresh = new Set<Waiting<Message>>();
  readonly aged = new Set<Waiting<Message>>();
  readonly #byKey = new Map<string, Waiting<Message>[]>();

  get count(): number {
    return this.fresh.size + this.aged.size;
  }

  withKey(key: string): readonly Waiting<Message>[] {
    return this.#byKey.get(key) ?? [];
  }

  wait(waiting: Waiting<Message>): void {
    const { key, body } = waiting.message;
    this.bytes += body.length;
    this.fresh.add(waiting);
    const same = this.#byKey.get(key);
    if (same) same.push(waiting);
    else this.#byKey.set(key, [waiting]);
  }

  age(waiting: Waiting<Message>): void {
    this.fresh.delete(waiting);
    this.aged.add(waiting);
  }

  forget(waiting: Waiting<Message>): void {
    const { key, body } = waiting.message;
    this.bytes -= body.length;
    this.fresh.delete(waiting);
    this.aged.delete(waiting);
    const same = this.#byKey.get(key);
    same?.splice(same.indexOf(waiting), 1);
    if (same?.length === 0) this.#byKey.delete(key);
  }
}

/** At least the last so many texts, and twice as many at most. Forgets in bulk: a Set that loses its first members is slow. */
export class RecentSet {
  readonly #max: number;
  #texts = new Set<string>();
  #older = new Set<string>();

  constructor(max: number) {
    this.#max = max;
  }

  has(text: string): boolean {
    return this.#texts.has(text) || this.#older.has(text);
  }

  /** Answers whether it was there. */
  add(text: string): boolean {
    const wasThere = this.has(text);
    this.#texts.add(text);
    if (this.#texts.size > this.#max) {
      this.#older = this.#texts;
      this.#texts = new Set();
    }
    return wasThere;
  }
}

export function isSame({ message: a }: Waiting<KeyedMessage>, { message: b }: Waiting<KeyedMessage>): boolean {
  return a.key === b.key && a.body.equals(b.body);
}

/** The same for messages with equal keys and bodies. */
export function printOf({ key, body }: KeyedMessage): string {
  return `${key} ${createHash('sha1').update(body).digest('base64url')}`;
}
