// Pairs the messages of two streams that should say the same: by a key, within a window of time. Pure: time comes with
// the messages.
//
//   legacy ── a b c ──▶ ┐
//                       ├─▶ paired (late? out of order?), missing, extra
//   new    ── a c b ──▶ ┘
import { otherSide, SIDES, type Side } from '../routing/side.ts';

/** What both sides are compared by. */
export interface KeyedMessage {
  /** Messages of the two sides with equal keys are the same one. Repeated keys pair in their order. */
  readonly key: string;
  readonly body: Buffer;
  /** When it came, in milliseconds of a steady clock. */
  readonly atMs: number;
}

export interface Pair<Message> {
  readonly legacy: Message;
  readonly new: Message;
  /** How much later the new side's came than legacy's; negative when it came before. Undefined where one was not heard yet. */
  readonly lagMs: number | undefined;
  /** It came after the window, but it came. */
  readonly isLate: boolean;
  /** The two sides sent it and another one in different order. */
  readonly isReordered: boolean;
}

export interface AlignSink<Message> {
  paired(pair: Pair<Message>): void;
  /** Only this side sent it: legacy alone means that the new side lacks it, new alone that it says too much. */
  alone(side: Side, message: Message): void;
  /** Nobody knows whether the other side sends it: that was not heard when it should have come, or is heard no longer. */
  unsettled(side: Side): void;
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

interface Waiting<Message> {
  readonly message: Message;
  /** Its place among the messages of its side. */
  readonly n: number;
}

export class StreamAligner<Message extends KeyedMessage> {
  readonly #limits: AlignLimits;
  readonly #sink: AlignSink<Message>;
  /** By key, the oldest first; and in the order of coming, for expiry. Both hold the same. */
  readonly #byKey: Readonly<Record<Side, Map<string, Waiting<Message>[]>>> = { legacy: new Map(), new: new Map() };
  readonly #inOrder: Readonly<Record<Side, Set<Waiting<Message>>>> = { legacy: new Set(), new: new Set() };
  readonly #bytes: Record<Side, number> = { legacy: 0, new: 0 };
  readonly #count: Record<Side, number> = { legacy: 0, new: 0 };
  /** When a side could first be heard. What the other sent before may have been sent here before too. */
  readonly #openedMs: Record<Side, number> = { legacy: Number.POSITIVE_INFINITY, new: Number.POSITIVE_INFINITY };
  /** From when on a side is heard no longer. */
  readonly #closedMs: Record<Side, number> = { legacy: Number.POSITIVE_INFINITY, new: Number.POSITIVE_INFINITY };
  readonly #lastPairs: { readonly legacy: number; readonly new: number }[] = [];

  constructor(limits: AlignLimits, sink: AlignSink<Message>) {
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

  /** From here on this side is not heard any more. */
  closed(side: Side, atMs: number): void {
    this.#closedMs[side] = atMs;
  }

  push(side: Side, message: Message): void {
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
    this.#giveUp(nowMs, this.#limits.windowMs * LATE_WINDOWS);
  }

  /** Nothing more comes: what is not paired is alone where its counterpart should have come, else unsettled. */
  finish(nowMs: number): void {
    for (const side of SIDES) this.#closedMs[side] = Math.min(this.#closedMs[side], nowMs);
    this.#giveUp(Number.POSITIVE_INFINITY, 0);
  }

  #giveUp(nowMs: number, patienceMs: number): void {
    for (const side of SIDES) {
      for (const waiting of this.#inOrder[side]) {
        if (nowMs - waiting.message.atMs <= patienceMs) break;
        this.#forget(side, waiting);
        if (this.#wasHeardByBoth(waiting.message)) this.#sink.alone(side, waiting.message);
        else this.#sink.unsettled(side);
      }
    }
  }

  /** Whether the counterpart would have been heard, had it come within the window. */
  #wasHeardByBoth({ atMs }: Message): boolean {
    const { windowMs } = this.#limits;
    const opened = Math.max(this.#openedMs.legacy, this.#openedMs.new);
    const closed = Math.min(this.#closedMs.legacy, this.#closedMs.new);
    return atMs >= opened + windowMs && atMs + windowMs < closed;
  }

  #pair(legacy: Waiting<Message>, fresh: Waiting<Message>): void {
    const lagMs = this.#lagOf(legacy.message, fresh.message);
    const isReordered = this.#lastPairs.some(
      (pair) => Math.sign(pair.legacy - legacy.n) !== Math.sign(pair.new - fresh.n),
    );
    this.#lastPairs.push({ legacy: legacy.n, new: fresh.n });
    if (this.#lastPairs.length > ORDER_PAIRS_MAX) this.#lastPairs.shift();
    const isLate = lagMs !== undefined && Math.abs(lagMs) > this.#limits.windowMs;
    this.#sink.paired({ legacy: legacy.message, new: fresh.message, lagMs, isLate, isReordered });
  }

  /** A side that began later repeats what was said before: that lags behind nothing. */
  #lagOf(legacy: Message, fresh: Message): number | undefined {
    const bothOpenedMs = Math.max(this.#openedMs.legacy, this.#openedMs.new);
    return Math.min(legacy.atMs, fresh.atMs) < bothOpenedMs ? undefined : fresh.atMs - legacy.atMs;
  }

  #wait(side: Side, waiting: Waiting<Message>): void {
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
  #forget(side: Side, waiting: Waiting<Message>): void {
    const { key, body } = waiting.message;
    this.#inOrder[side].delete(waiting);
    this.#bytes[side] -= body.length;
    const same = this.#byKey[side].get(key);
    same?.shift();
    if (same?.length === 0) this.#byKey[side].delete(key);
  }
}
