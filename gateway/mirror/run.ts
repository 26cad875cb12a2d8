// What becomes of one copy when its turn has come: the sides are asked, their answers compared, the verdict recorded.
// Nothing is refused any more: every end is an outcome.
import { setTimeout as delay } from 'node:timers/promises';
import type { Upstream } from '../proxy/upstream.ts';
import { otherSide, type Side } from '../routing/side.ts';
import { type Asked, askBracketed, askOther } from './bracket.ts';
import { judge, type Verdict } from './compare.ts';
import type { Evidence } from './evidence.ts';
import type { IdMap } from './id-map.ts';
import { createIdBook, type Rewritable } from './id-rules.ts';
import { withoutNoise } from './noise.ts';
import type { Observation, Outcome } from './observation.ts';
import type { Restraints } from './restraints.ts';
import { createRuleBook } from './rules.ts';
import { sendCopy } from './send-copy.ts';
import type { CopyTicket, ServedRequest } from './ticket.ts';

/** A request may name what was made by one whose copy is still under way; then it is looked for once more. */
const LEARNING_MS = 100;

export interface RunDeps {
  /** The connections in force for copies, which clients' requests never share. */
  readonly upstreams: () => Readonly<Record<Side, Upstream>>;
  /** Ids that the sides have given for themselves. */
  readonly ids: IdMap;
  readonly evidence: Evidence;
  readonly onOutcome: (route: string, outcome: Outcome, dropReason?: string) => void;
  /** Something in comparing itself failed. */
  readonly raised: (operation: string, error: unknown) => void;
  readonly now: () => Date;
}

export function createRun(deps: RunDeps, restraints: Restraints) {
  const { upstreams, ids, evidence, onOutcome, raised, now } = deps;
  const rulesOf = createRuleBook(now);
  const idsOf = createIdBook(ids);

  /** What the side that does not serve is asked; undefined where it has no name for what the request names. */
  async function translated({ route, captures }: CopyTicket, request: ServedRequest): Promise<Rewritable | undefined> {
    const { path, served, headersFor } = request;
    const original = { path, headers: headersFor(otherSide(served.side)), body: captures.request.body() };
    const ids = idsOf(route);
    if (!ids) return original;
    const first = ids.translate(original, served.side);
    if (first) return first;
    await delay(LEARNING_MS);
    return ids.translate(original, served.side);
  }

  /** Asks the sides; undefined where that cannot be asked of the other. */
  async function ask(ticket: CopyTicket, request: ServedRequest): Promise<Asked | undefined> {
    const copy = await translated(ticket, request);
    if (!copy) return undefined;
    const { route, captures, bracketed } = ticket;
    const { timeoutMs, bodyBytesMax } = route.config.mirror;
    const { method, path, headersFor, served, servedAtMs } = request;
    /** The serving side is asked again as the client asked it. */
    const requestTo = (side: Side): Rewritable =>
      side === served.side ? { path, headers: headersFor(side), body: captures.request.body() } : copy;
    let sent = 0;
    const send = async (side: Side): Promise<Observation> => {
      if (sent++ > 0) restraints.another(route);
      const asked = requestTo(side);
      const observed = await sendCopy({ upstream: upstreams()[side], method, ...asked, timeoutMs, bodyBytesMax });
      restraints.answered(route, observed, asked.body?.length ?? 0);
      return observed;
    };
    if (!bracketed) return askOther({ served, send });
    return askBracketed({ served, servedAtMs, send, nowMs: () => now().getTime(), wait: delay });
  }

  async function verdictOn({ route, bracketed }: CopyTicket, { pair, again }: Asked): Promise<Verdict> {
    const rules = rulesOf(route);
    try {
      const judged = await judge(pair, rules);
      const verdict = idsOf(route)?.reconcile(judged) ?? judged;
      // A failure is none by noise: without it the bracketed requests would be those that went well.
      if (!again) return bracketed && verdict.outcome === 'new_error' ? { ...verdict, bracketed } : verdict;
      return withoutNoise(verdict, await judge({ legacy: pair.legacy, new: again, copied: undefined }, rules));
    } catch (error) {
      raised('compare', error);
      return { outcome: 'incomparable', differences: [], detail: 'comparing failed' };
    }
  }

  /** Answers why it was not copied after all. */
  return async function run(ticket: CopyTicket, request: ServedRequest): Promise<'id_unknown' | undefined> {
    const { route } = ticket;
    const { served, failed, requestId, method, path } = request;
    const asked = failed ? bothAsked(served, failed) : await ask(ticket, request);
    if (!asked) return 'id_unknown';
    const startedAt = performance.now();
    const verdict = await verdictOn(ticket, asked);
    evidence.record(route.id, { requestId, method, target: path }, asked.pair, verdict);
    restraints.compared(performance.now() - startedAt);
    onOutcome(route.id, verdict.outcome);
    return undefined;
  };
}

/** Both sides were asked on the client's behalf: one was to serve, and could not. */
function bothAsked(served: Observation, failed: Observation): Asked {
  const sides = served.side === 'legacy' ? { legacy: served, new: failed } : { legacy: failed, new: served };
  return { pair: { ...sides, copied: undefined }, again: undefined };
}
