// One stream that is compared: what both sides send is paired by its key, and each pair is judged by the route's rules.
//
//   serving side ── intake ──▶ ┐
//                              ├─▶ aligner ─▶ judge ─▶ findings
//   other side ──────────────▶ ┘
import type { RouteConfig } from '../../config/gateway-schema.ts';
import { otherSide, type Side } from '../routing/side.ts';
import type { CompareBudget } from './budget.ts';
import type { Verdict } from './compare.ts';
import type { Comparer } from './comparer.ts';
import type { Observation } from './observation.ts';
import { type SocketMessage, Unreadable } from './socket-messages.ts';
import { type Pair, StreamAligner } from './stream-align.ts';
import { messageOutcomeOf, type StreamEnd, type StreamFinding } from './stream-counts.ts';
import { compileKey, type HeardMessage, type KeyOf } from './stream-key.ts';
import type { SampledAs, StreamShown } from './stream-sample.ts';
import type { KeyedMessage } from './stream-waiting.ts';

/** Messages of one side that may wait for their counterparts. */
const WAITING_MAX = 2_000;
const WAITING_BYTES_MAX = 1_048_576;
/** Pairs of one stream that may be under comparison at once. */
const JUDGING_MAX = 100;
/** How often what does not come is given up. */
const EXPIRE_INTERVAL_MS = 100;

type StreamCompareConfig = NonNullable<RouteConfig['streams']['compare']>;

export interface ComparedStreamDeps {
  readonly routeId: string;
  readonly requestId: string;
  /** The side that serves. */
  readonly side: Side;
  readonly limits: Pick<StreamCompareConfig, 'key' | 'windowMs' | 'messagesMax' | 'durationMs'>;
  /** The rules in force now: a stream outlives them. */
  readonly rules: () => RouteConfig['compare'];
  readonly comparer: Pick<Comparer, 'judge'>;
  readonly budget: CompareBudget;
  readonly found: (finding: StreamFinding, shown?: StreamShown) => void;
  readonly raised: (operation: string, error: unknown) => void;
  /** A steady clock in milliseconds. */
  readonly nowMs: () => number;
  /** Called once, when it is compared no longer. */
  readonly ended: () => void;
}

type Message = HeardMessage & KeyedMessage;

const MATCH: Verdict = { outcome: 'match', differences: [], detail: undefined };

export class ComparedStream {
  readonly #deps: ComparedStreamDeps;
  readonly #aligner: StreamAligner<Message>;
  readonly #keyOf: KeyOf;
  readonly #heard: Record<Side, number> = { legacy: 0, new: 0 };
  readonly #expiry: NodeJS.Timeout;
  readonly #duration: NodeJS.Timeout;
  #closing: NodeJS.Timeout | undefined;
  /** Found just now, to be judged next: judging counts its own time. */
  #pairs: Pair<Message>[] = [];
  #judging = 0;
  #isOver = false;

  constructor(deps: ComparedStreamDeps) {
    const { limits, nowMs, found } = deps;
    this.#deps = deps;
    this.#keyOf = compileKey(limits.key);
    this.#aligner = new StreamAligner<Message>(
      { windowMs: limits.windowMs, waitingMax: WAITING_MAX, waitingBytesMax: WAITING_BYTES_MAX },
      {
        paired: (pair) => this.#pairs.push(pair),
        alone: (side, message) => this.#alone(side, message),
        unsettled: () => this.unsettled(1),
        dropped: () => {
          this.unsettled(1);
          this.end('waiting');
        },
      },
    );
    this.#aligner.opened(deps.side, nowMs());
    this.#expiry = setInterval(() => this.#work(() => this.#aligner.expire(nowMs())), EXPIRE_INTERVAL_MS).unref();
    this.#duration = setTimeout(() => this.end('duration_max'), limits.durationMs).unref();
    found({ kind: 'begun' });
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** The other side's stream is open. */
  otherOpened(): void {
    const { side, nowMs } = this.#deps;
    this.#aligner.opened(otherSide(side), nowMs());
  }

  /** The other side has ended its stream. What it sent may still be waited for by the one that serves. */
  otherClosed(): void {
    if (this.#isOver || this.#closing) return;
    const { side, nowMs, limits } = this.#deps;
    this.#aligner.closed(otherSide(side), nowMs());
    this.#closing = setTimeout(() => this.end(`${otherSide(side)}_ended`), limits.windowMs).unref();
  }

  /** A side has sent something; `read` takes it apart. */
  hear(from: Side, read: () => readonly HeardMessage[], atMs: number): void {
    const { budget, routeId, limits } = this.#deps;
    if (this.#isOver) return;
    if (!budget.allows(routeId)) {
      this.end('compare_budget');
      return;
    }
    this.#work(() => {
      for (const message of read()) {
        if (++this.#heard[from] > limits.messagesMax) this.end('messages_max');
        if (this.#isOver) return;
        this.#aligner.push(from, { ...message, key: this.#keyOf(message), atMs });
      }
    });
  }

  /** The client has said something that the other side is to be told; `say` answers false when it does not take it. */
  tell(read: () => readonly SocketMessage[], say: (message: SocketMessage) => boolean): void {
    if (this.#isOver) return;
    this.#work(() => {
      if (!read().every(say)) this.end('client_messages');
    });
  }

  /** Messages of which nothing can be said. */
  unsettled(count: number): void {
    this.#deps.found({ kind: 'single', outcome: 'unsettled', count });
  }

  /** Only the first call counts. */
  end(reason: StreamEnd): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearInterval(this.#expiry);
    clearTimeout(this.#duration);
    clearTimeout(this.#closing);
    this.#work(() => {
      this.#aligner.finish(this.#deps.nowMs());
      this.#deps.found({ kind: 'ended', reason });
      this.#deps.ended();
    });
  }

  /** Does what may take time and may fail: the time is counted, what cannot be read ends the stream, and nothing is thrown. */
  #work(work: () => void): void {
    const { budget, raised } = this.#deps;
    const startedAt = performance.now();
    try {
      work();
    } catch (error) {
      if (!(error instanceof Unreadable)) raised('stream compare', error);
      this.end(error instanceof Unreadable ? 'unreadable' : 'internal');
    }
    budget.spend(performance.now() - startedAt);
    const pairs = this.#pairs;
    this.#pairs = [];
    for (const pair of pairs) this.#judge(pair);
  }

  #alone(side: Side, message: Message): void {
    const outcome = side === 'legacy' ? 'missing' : 'extra';
    const sides = { legacy: undefined, new: undefined, [side]: message };
    const { requestId, found } = this.#deps;
    found({ kind: 'single', outcome, count: 1 }, { ...sides, requestId, outcome, differences: [] });
  }

  #judge(pair: Pair<Message>): void {
    const { comparer, budget, routeId, rules, side, raised } = this.#deps;
    const { legacy, new: fresh } = pair;
    if (legacy.contentType === fresh.contentType && legacy.body.equals(fresh.body)) this.#judged(pair, MATCH);
    else if (this.#judging >= JUDGING_MAX) this.#judged(pair, { dropped: 'compare_queue' });
    else if (!budget.allows(routeId)) this.#judged(pair, { dropped: 'compare_budget' });
    else {
      this.#judging++;
      const observed = { legacy: observation('legacy', legacy), new: observation('new', fresh) };
      void comparer
        .judge({ ...observed, copied: otherSide(side) }, rules())
        .catch((error: unknown): Verdict => {
          raised('stream compare', error);
          return { outcome: 'incomparable', differences: [], detail: 'comparing failed' };
        })
        .then((verdict) => {
          this.#judging--;
          const { outcome, detail } = verdict;
          this.#judged(pair, outcome === 'dropped' ? { dropped: detail ?? 'compare_queue' } : verdict);
        });
    }
  }

  #judged({ legacy, new: fresh, ...timing }: Pair<Message>, verdict: Verdict | { readonly dropped: string }): void {
    const { requestId, found } = this.#deps;
    const isDifferent = !('dropped' in verdict) && messageOutcomeOf(verdict.outcome) === 'different';
    const outcome: SampledAs | undefined = isDifferent
      ? 'different'
      : timing.isReordered
        ? 'reordered'
        : timing.isLate
          ? 'late'
          : undefined;
    const differences = 'dropped' in verdict ? [] : verdict.differences;
    const shown = outcome && { requestId, outcome, differences, legacy, new: fresh };
    found({ kind: 'pair', ...timing, verdict }, shown);
  }
}

/** A message as if it were the whole answer to a request. */
function observation(side: Side, { body, contentType }: HeardMessage): Observation {
  return { side, status: 200, headers: ['content-type', contentType], body, durationMs: 0, failure: undefined };
}
