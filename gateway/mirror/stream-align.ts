// Pairs the messages of two streams that should say the same: by a key, within a window of time. Pure: time comes with
// the messages.
//
//   legacy ── a b c ──▶ ┐
//                       ├─▶ paired (late? out of order?), missing, extra
//   new    ── a c b ──▶ ┘
import { otherSide, SIDES, type Side } from '../routing/side.ts';

/** One message of a stream. */
export interface StreamMessage {
  /** Messages of the two sides with equal keys are the same one. Repeated keys pair in their order. */
  readonly key: string;
  readonly body: Buffer;
  /** When it came, in milliseconds of a steady clock. */
  readonly atMs: number;
}

export interface Pair {
  readonly legacy: StreamMessage;
  readonly new: StreamMessage;
  /** How much later the new side's came than legacy's; negative when it came before. */
  readonly lagMs: number;
  /** It came after the window, but it came. */
  readonly isLate: boolean;
  /** The two sides sent it and another one in different order. */
  readonly isReordered: boolean;
}

export interface AlignSink {
  paired(pair: Pair): void;
  /** Only this side sent it: legacy alone means that the new side lacks it, new alone that it says too much. */
  alone(side: Side, message: StreamMessage): void;
  /** It could not be kept until its counterpart comes. */
  dropped(side: Side): void;
}

export interface AlignLimits {
  readonly windowMs: number;
  /** Messages of one side that may wait for their counterparts, by count and by bytes. */
  readonly waitingMax: number;
  readonly waitingBytesMax: number;
}

/** A message is waited for this many windows before it counts as one that does not come. */
const LATE_WINDOWS = 3;
/** Pairs that a pair is held against to find it out of order. */
const ORDER_PAIRS_MAX = 64;

interface Waiting {
  readonly message: StreamMessage;
  /** Its place among the messages of its side. */
  readonly n: number;
}

export class StreamAligner {
  readonly #limits: AlignLimits;
  readonly #sink: AlignSink;
  /** By key, the oldest first; and in the order of coming, for expiry. Both hold the same. */
  readonly #byKey: Readonly<Record<Side, Map<string, Waiting[]>>> = { legacy: new Map(), new: new Map() };
  readonly #inOrder: Readonly<Record<Side, Set<Waiting>>> = { legacy: new Set(), new: new Set() };
  readonly #bytes: Record<Side, number> = { legacy: 0, new: 0 };
  readonly #count: Record<Side, number> = { legacy: 0, new: 0 };
  /** When a side could first be heard. What the other sent before may have been sent here before too. */
  readonly #openedMs: Record<Side, number> = { legacy: Number.POSITIVE_INFINITY, new: Number.POSITIVE_INFINITY };
  readonly #lastPairs: { readonly legacy: number; readonly new: number }[] = [];

  constructor(limits: AlignLimits, sink: AlignSink) {
    this.#limits = limits;
    this.#sink = sink;
  }

  get waiting(): number {
    return this.#inOrder.legacy.size + this.#inOrder.new.size;
  }

  /** From here on this side is heard. */
  opened(side: Side, atMs: number): void {
    this.#openedMs[side] = atMs;
  }

  push(side: Side, message: StreamMessage): void {
    this.expire(message.atMs);
    const n = this.#count[side]++;
    const other = otherSide(side);
    const counterpart = this.#byKey[other].get(message.key)?.[0];
    if (!counterpart) {
      this.#wait(side, { message, n });
      return;
    }
    this.#forget(other, counterpart);
    const [legacy, fresh] = side === 'legacy' ? [{ message, n }, counterpart] : [counterpart, { message, n }];
    this.#pair(legacy, fresh);
  }

  /** Gives up what has been waited for too long. To be called from time to time. */
  expire(nowMs: number): void {
    const patienceMs = this.#limits.windowMs * LATE_WINDOWS;
    for (const side of SIDES) {
      for (const waiting of this.#inOrder[side]) {
        if (nowMs - waiting.message.atMs <= patienceMs) break;
        this.#forget(side, waiting);
        if (this.#wasHeardByBoth(waiting.message)) this.#sink.alone(side, waiting.message);
      }
    }
  }

  /** Whether the counterpart would have been heard, had it come about when the message did. */
  #wasHeardByBoth({ atMs }: StreamMessage): boolean {
    return atMs >= Math.max(this.#openedMs.legacy, this.#openedMs.new) + this.#limits.windowMs;
  }

  #pair(legacy: Waiting, fresh: Waiting): void {
    const lagMs = fresh.message.atMs - legacy.message.atMs;
    const isReordered = this.#lastPairs.some(
      (pair) => Math.sign(pair.legacy - legacy.n) !== Math.sign(pair.new - fresh.n),
    );
    this.#lastPairs.push({ legacy: legacy.n, new: fresh.n });
    if (this.#lastPairs.length > ORDER_PAIRS_MAX) this.#lastPairs.shift();
    const isLate = Math.abs(lagMs) > this.#limits.windowMs;
    this.#sink.paired({ legacy: legacy.message, new: fresh.message, lagMs, isLate, isReordered });
  }

  #wait(side: Side, waiting: Waiting): void {
    const { waitingMax, waitingBytesMax } = this.#limits;
    const { key, body } = waiting.message;
    if (this.#inOrder[side].size >= waitingMax || this.#bytes[side] + body.length > waitingBytesMax) {
      this.#sink.dropped(side);
      return;
    }
    this.#bytes[side] += body.length;
    this.#inOrder[side].add(waiting);
    const same = this.#byKey[side].get(key);
    if (same) same.push(waiting);
    else this.#byKey[side].set(key, [waiting]);
  }

  /** The oldest of its key. */
  #forget(side: Side, waiting: Waiting): void {
    const { key, body } = waiting.message;
    this.#inOrder[side].delete(waiting);
    this.#bytes[side] -= body.length;
    const same = this.#byKey[side].get(key);
    same?.shift();
    if (same?.length === 0) this.#byKey[side].delete(key);
  }
}
