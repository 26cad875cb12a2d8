// What becomes of one copy when its turn has come: the sides are asked, their answers compared, the verdict recorded.
import { isSafe } from '../routing/method.ts';
import type { RouteModel } from '../routing/route.ts';
import { type AskDeps, createAsk, type Unsettled } from './ask.ts';
import type { Asked } from './bracket.ts';
import type { Bracketing } from './bracketing.ts';
import type { Verdict } from './compare.ts';
import type { Comparer } from './comparer.ts';
import type { EvidenceSink } from './evidence.ts';
import type { IdMap } from './id-map.ts';
import { createIdBook } from './id-rules.ts';
import { withoutNoise } from './noise.ts';
import type { Observation, Outcome } from './observation.ts';
import type { Restraints } from './restraints.ts';
import type { CopyTicket, ServedRequest } from './ticket.ts';
import { isSlower } from './timed.ts';

export interface RunDeps extends AskDeps {
  /** Ids that the sides have given for themselves. */
  readonly ids: IdMap;
  readonly evidence: EvidenceSink;
  readonly restraints: Restraints;
  readonly bracketing: Pick<Bracketing, 'sawNoise'>;
  readonly comparer: Pick<Comparer, 'judge'>;
  /** A route as it is configured now; undefined for one that is there no longer. */
  readonly routeOf: (id: string) => RouteModel | undefined;
  /** Something in comparing itself failed. */
  readonly raised: (operation: string, error: unknown) => void;
}

/** The verdicts on what was asked; `again` is the one on legacy's two answers, where it was asked twice. */
interface Judged {
  readonly verdict: Verdict;
  readonly again: Verdict | undefined;
}

export function createRun(deps: RunDeps) {
  const { ids, evidence, restraints, bracketing, comparer, routeOf, raised } = deps;
  const idsOf = createIdBook(ids);
  const ask = createAsk(deps, idsOf);

  /** Dropped where there was no room for comparing any of it. */
  async function judge({ route }: CopyTicket, { pair, again }: Asked): Promise<Judged | Unsettled> {
    // By the rules in force now: those of when it began to wait may have been changed because of what is being compared.
    const { compare } = (routeOf(route.id) ?? route).config;
    const judged = (each: Asked['pair']) =>
      comparer.judge(each, compare).catch((error: unknown): Verdict => {
        raised('compare', error);
        return { outcome: 'incomparable', differences: [], detail: 'comparing failed' };
      });
    const verdict = await judged(pair);
    if (verdict.outcome === 'dropped') return { dropped: verdict.detail ?? 'compare_queue' };
    if (!again) return { verdict, again };
    // Even where the first two answers agree: how often legacy differs from itself is counted too.
    const second = await judged({ legacy: pair.legacy, new: again, copied: undefined });
    if (second.outcome === 'dropped') return { dropped: second.detail ?? 'compare_queue' };
    return { verdict, again: second };
  }

  function conclude({ route, bracketed }: CopyTicket, { verdict: judged, again }: Judged, slower?: boolean): Verdict {
    const reconciled = idsOf(route)?.reconcile(judged) ?? judged;
    const verdict = slower === undefined ? reconciled : { ...reconciled, slower };
    if (again) return withoutNoise(verdict, again);
    // A failure is none by noise: without it the bracketed requests would be those that went well.
    return bracketed && verdict.outcome === 'new_error' ? { ...verdict, bracketed } : verdict;
  }

  /** Answers the outcome, which is recorded; or why there is none. */
  return async function run(
    ticket: CopyTicket,
    request: ServedRequest,
  ): Promise<Unsettled | { readonly outcome: Outcome }> {
    const { route, shadow, captures } = ticket;
    const { served, failed, requestId, method, path, headersFor } = request;
    const original = { path, headers: headersFor(shadow), body: captures.request.body() };
    const asked = failed ? bothAsked(served, failed) : await ask(ticket, request, original);
    if ('dropped' in asked) return asked;
    const judged = await judge(ticket, asked);
    if ('dropped' in judged) return judged;
    // What was waited for costs nothing, and what comparing has computed the comparer has counted.
    const startedAt = performance.now();
    // A write's copy is a dry run: it takes no time that could be compared.
    const slower = isSafe(request.method) ? isSlower(asked.pair, route.config.guard.latencyRatioMax) : undefined;
    const verdict = conclude(ticket, judged, slower);
    const { headers, body } = original;
    evidence.record(route.id, { requestId, method, target: path, headers, body }, asked.pair, verdict);
    restraints.compared(performance.now() - startedAt);
    if (verdict.differences.some(({ noise }) => noise)) bracketing.sawNoise(route.id);
    return { outcome: verdict.outcome };
  };
}

/** Both sides were asked on the client's behalf: one was to serve, and could not. */
function bothAsked(served: Observation, failed: Observation): Asked {
  const sides = served.side === 'legacy' ? { legacy: served, new: failed } : { legacy: failed, new: served };
  return { pair: { ...sides, copied: undefined }, again: undefined };
}
