// Pairs the messages of two streams that should say the same: by a key, within a window of time. Pure: time comes with
// the messages.
//
//   legacy ── a b c ──▶ ┐
//                       ├─▶ paired (late? out of order?), missing, extra
//   new    ── a c b ──▶ ┘
//
// A key may repeat, and one side is heard later than the other, so that nobody knows how many of a key were missed. That must
// not shift all pairs that follow: messages that are the same to the byte go together first, and what differs is paired at
// once only where no other message can be meant.
import { otherSide, SIDES, type Side } from '../routing/side.ts';
import { isSame, type KeyedMessage, printOf, RecentSet, SideState, type Waiting } from './stream-waiting.ts';

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
/** Where another one of its key is there, one more: it may be meant, once what it would rather go with can no longer come. */
const PATIENCE_WINDOWS = LATE_WINDOWS + 1;
/** Pairs that a pair is held against to find it out of order. */
const ORDER_PAIRS_MAX = 64;
export class StreamAligner<Message extends KeyedMessage> {
  readonly #limits: AlignLimits;
  readonly #sink: AlignSink<Message>;
  readonly #sides: Readonly<Record<Side, SideState<Message>>>;
  /** What was heard while the other side was not, or not for a window yet: of these one may be missed there. */
  readonly #early: RecentSet;
  readonly #earlyKeys: RecentSet;
  readonly #lastPairs: { readonly legacy: number; readonly new: number }[] = [];

  constructor(limits: AlignLimits, sink: AlignSink<Message>) {
    this.#limits = limits;
    this.#sink = sink;
    this.#sides = { legacy: new SideState(), new: new SideState() };
    // What does not wait any more cannot be mistaken for another.
    this.#early = new RecentSet(2 * limits.waitingMax);
    this.#earlyKeys = new RecentSet(2 * limits.waitingMax);
  }

  get waiting(): number {
    return this.#sides.legacy.count + this.#sides.new.count;
  }

  /** From here on this side is heard. */
  opened(side: Side, atMs: number): void {
    this.#sides[side].openedMs = atMs;
  }

  /** From here on this side is not heard any more. */
  closed(side: Side, atMs: number): void {
    this.#sides[side].closedMs = atMs;
  }

  push(side: Side, message: Message): void {
    this.expire(message.atMs);
    const state = this.#sides[side];
    const other = this.#sides[otherSide(side)];
    const isRepeat = state.keys.add(message.key);
    const waiting = { message, n: state.heard++, isRepeat };
    if (this.#isEarly(message)) {
      this.#early.add(printOf(message));
      this.#earlyKeys.add(message.key);
    }
    const counterpart = other.withKey(message.key).find((each) => this.#belongTogether(waiting, each));
    if (counterpart) {
      other.forget(counterpart);
      this.#pair(side, waiting, counterpart);
    } else if (state.count >= this.#limits.waitingMax) this.#sink.dropped(side);
    else if (state.bytes + message.body.length > this.#limits.waitingBytesMax) this.#sink.dropped(side);
    else state.wait(waiting);
  }

  /** Gives up what has been waited for too long. To be called from time to time. */
  expire(nowMs: number): void {
    const { windowMs } = this.#limits;
    for (const side of SIDES) {
      const state = this.#sides[side];
      for (const waiting of state.fresh) {
        if (nowMs - waiting.message.atMs <= windowMs) break;
        this.#age(side, waiting);
      }
      for (const waiting of state.aged) {
        const { key, atMs } = waiting.message;
        if (nowMs - atMs <= windowMs * LATE_WINDOWS) break;
        const mayPair = this.#sides[otherSide(side)].withKey(key).length > 0;
        if (mayPair && nowMs - atMs <= windowMs * PATIENCE_WINDOWS) continue;
        state.forget(waiting);
        this.#giveUp(side, waiting);
      }
    }
  }

  /** Nothing more comes: what is not paired is alone where its counterpart should have come, else unsettled. */
  finish(nowMs: number): void {
    this.expire(nowMs);
    const left = SIDES.map((side) => {
      this.#sides[side].closedMs = Math.min(this.#sides[side].closedMs, nowMs);
      const waiting = [...this.#sides[side].aged, ...this.#sides[side].fresh];
      return { side, waiting, keys: new Set(waiting.map(({ message }) => message.key)) };
    });
    for (const { side, waiting } of left) {
      const keysOfOther = left.find((each) => each.side !== side)?.keys;
      for (const each of waiting) {
        this.#sides[side].forget(each);
        if (keysOfOther?.has(each.message.key)) this.#sink.unsettled(side);
        else this.#giveUp(side, each);
      }
    }
  }

  /** Whether two are a pair as soon as both are there. */
  #belongTogether(a: Waiting<Message>, b: Waiting<Message>): boolean {
    if (!a.isRepeat && !b.isRepeat && this.#mayDiffer(a, b)) return true;
    return isSame(a, b) && Math.abs(a.message.atMs - b.message.atMs) <= this.#limits.windowMs;
  }

  /** Nothing that is the same to the byte will come for it within the window: what is left of its key may be meant. */
  #age(side: Side, waiting: Waiting<Message>): void {
    const state = this.#sides[side];
    const other = this.#sides[otherSide(side)];
    const left = other.withKey(waiting.message.key).filter((each) => other.aged.has(each));
    const counterpart =
      left.find((each) => isSame(waiting, each)) ?? left.find((each) => this.#mayDiffer(waiting, each));
    if (!counterpart) {
      state.age(waiting);
      return;
    }
    state.forget(waiting);
    other.forget(counterpart);
    this.#pair(side, waiting, counterpart);
  }

  /** Messages that were heard too early may belong to others, which were not heard. */
  #mayDiffer(a: Waiting<Message>, b: Waiting<Message>): boolean {
    return !this.#isEarly(a.message) && !this.#isEarly(b.message);
  }

  #isEarly({ atMs }: Message): boolean {
    return atMs < this.#bothOpenedMs + this.#limits.windowMs;
  }

  get #bothOpenedMs(): number {
    return Math.max(this.#sides.legacy.openedMs, this.#sides.new.openedMs);
  }

  #giveUp(side: Side, { message }: Waiting<Message>): void {
    const closedMs = Math.min(this.#sides.legacy.closedMs, this.#sides.new.closedMs);
    const wasHeardByBoth = !this.#isEarly(message) && message.atMs + this.#limits.windowMs < closedMs;
    if (wasHeardByBoth && !this.#repeatsEarly(message)) this.#sink.alone(side, message);
    else this.#sink.unsettled(side);
  }

  #pair(side: Side, waiting: Waiting<Message>, counterpart: Waiting<Message>): void {
    const [legacy, fresh] = side === 'legacy' ? [waiting, counterpart] : [counterpart, waiting];
    const earlierMs = Math.min(legacy.message.atMs, fresh.message.atMs);
    // A side that began later repeats what was said before: that lags behind nothing.
    const lagMs = earlierMs < this.#bothOpenedMs ? undefined : fresh.message.atMs - legacy.message.atMs;
    const isLate = lagMs !== undefined && Math.abs(lagMs) > this.#limits.windowMs;
    const isReordered = !this.#repeatsEarly(legacy.message) && this.#isOutOfOrder(legacy.n, fresh.n);
    this.#sink.paired({ legacy: legacy.message, new: fresh.message, lagMs, isLate, isReordered });
  }

  /** Whether it cannot be told from a message that one side may have missed. */
  #repeatsEarly(message: Message): boolean {
    return this.#earlyKeys.has(message.key) && this.#early.has(printOf(message));
  }

  #isOutOfOrder(legacy: number, fresh: number): boolean {
    const isOut = this.#lastPairs.some((pair) => Math.sign(pair.legacy - legacy) !== Math.sign(pair.new - fresh));
    this.#lastPairs.push({ legacy, new: fresh });
    if (this.#lastPairs.length > ORDER_PAIRS_MAX) this.#lastPairs.shift();
    return isOut;
  }
}
