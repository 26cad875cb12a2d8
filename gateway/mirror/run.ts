// What becomes of one copy when its turn has come: the sides are asked, their answers compared, the verdict recorded.
// Nothing is refused any more: every end is an outcome.
import { setTimeout as delay } from 'node:timers/promises';
import type { Upstream } from '../proxy/upstream.ts';
import type { Side } from '../routing/side.ts';
import { type Asked, askBracketed, askOther } from './bracket.ts';
import { judge, type Verdict } from './compare.ts';
import type { Evidence } from './evidence.ts';
import { withoutNoise } from './noise.ts';
import type { Observation, Outcome } from './observation.ts';
import type { Restraints } from './restraints.ts';
import { createRuleBook } from './rules.ts';
import { sendCopy } from './send-copy.ts';
import type { CopyTicket, ServedRequest } from './ticket.ts';

export interface RunDeps {
  /** The connections in force for copies, which clients' requests never share. */
  readonly upstreams: () => Readonly<Record<Side, Upstream>>;
  readonly evidence: Evidence;
  readonly onOutcome: (route: string, outcome: Outcome, dropReason?: string) => void;
  /** Something in comparing itself failed. */
  readonly raised: (operation: string, error: unknown) => void;
  readonly now: () => Date;
}

export function createRun(deps: RunDeps, restraints: Restraints) {
  const { upstreams, evidence, onOutcome, raised, now } = deps;
  const rulesOf = createRuleBook(now);

  function ask({ route, captures, bracketed }: CopyTicket, request: ServedRequest): Promise<Asked> {
    const { timeoutMs, bodyBytesMax } = route.config.mirror;
    const { method, path, headersFor, served, servedAtMs } = request;
    const body = captures.request.body();
    let sent = 0;
    const send = async (side: Side): Promise<Observation> => {
      if (sent++ > 0) restraints.another(route);
      const to = { upstream: upstreams()[side], headers: headersFor(side) };
      const observed = await sendCopy({ ...to, method, path, body, timeoutMs, bodyBytesMax });
      restraints.answered(route, observed, body?.length ?? 0);
      return observed;
    };
    if (!bracketed) return askOther({ served, send });
    return askBracketed({ served, servedAtMs, send, nowMs: () => now().getTime(), wait: delay });
  }

  async function verdictOn({ route, bracketed }: CopyTicket, { pair, again }: Asked): Promise<Verdict> {
    const rules = rulesOf(route);
    try {
      const verdict = await judge(pair, rules);
      // A failure is none by noise: without it the bracketed requests would be those that went well.
      if (!again) return bracketed && verdict.outcome === 'new_error' ? { ...verdict, bracketed } : verdict;
      return withoutNoise(verdict, await judge({ legacy: pair.legacy, new: again, copied: undefined }, rules));
    } catch (error) {
      raised('compare', error);
      return { outcome: 'incomparable', differences: [], detail: 'comparing failed' };
    }
  }

  return async function run(ticket: CopyTicket, request: ServedRequest): Promise<void> {
    const { route } = ticket;
    const { served, failed, requestId, method, path } = request;
    const asked = failed ? bothAsked(served, failed) : await ask(ticket, request);
    const startedAt = performance.now();
    const verdict = await verdictOn(ticket, asked);
    evidence.record(route.id, { requestId, method, target: path }, asked.pair, verdict);
    restraints.compared(performance.now() - startedAt);
    onOutcome(route.id, verdict.outcome);
  };
}

/** Both sides were asked on the client's behalf: one was to serve, and could not. */
function bothAsked(served: Observation, failed: Observation): Asked {
  const sides = served.side === 'legacy' ? { legacy: served, new: failed } : { legacy: failed, new: served };
  return { pair: { ...sides, copied: undefined }, again: undefined };
}
