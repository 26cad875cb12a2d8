// Asks the sides what one copy is about: ids translated, writes signed, legacy asked twice where noise is to show.
import { setTimeout as delay } from 'node:timers/promises';
import type { Upstream } from '../proxy/upstream.ts';
import { isSafe } from '../routing/method.ts';
import type { RouteModel } from '../routing/route.ts';
import { otherSide, type Side } from '../routing/side.ts';
import { type Asked, askBracketed, askOther } from './bracket.ts';
import type { DryRun, DryRuns } from './dry-run.ts';
import type { IdRules, Rewritable } from './id-rules.ts';
import type { Observation } from './observation.ts';
import type { Restraints } from './restraints.ts';
import { sendCopy } from './send-copy.ts';
import type { CopyTicket, ServedRequest } from './ticket.ts';

/** A request may name what was made by one whose copy is still under way; then it is looked for once more. */
const LEARNING_MS = 100;

export interface AskDeps {
  /** The connections in force for copies, which clients' requests never share. */
  readonly upstreams: () => Readonly<Record<Side, Upstream>>;
  readonly dryRuns: DryRuns;
  readonly restraints: Pick<Restraints, 'another' | 'answered'>;
  readonly now: () => Date;
}

/** Why a copy was not sent, or its answer not compared. */
export interface Unsettled {
  readonly dropped: string;
}

/** Whether a request of this method may be copied to a side: a write only where it is known to be a dry run there. */
export function mayCopy(dryRuns: Pick<DryRuns, 'allows'>, method: string, side: Side): boolean {
  return isSafe(method) || dryRuns.allows(side);
}

/** `original` is the request as it would go to the side that gets the copy, but for ids. Sends nothing that may not be. */
export function createAsk(deps: AskDeps, idsOf: (route: RouteModel) => IdRules | undefined) {
  const { upstreams, dryRuns, restraints, now } = deps;

  /** Signed when it is sent, not when it began to wait: a signature is good for seconds. */
  function dryRunOf({ route, shadow }: CopyTicket, method: string, copy: Rewritable): DryRun {
    return dryRuns.begin(shadow, { routeId: route.id, method, target: copy.path, body: copy.body });
  }

  return async function ask(
    ticket: CopyTicket,
    request: ServedRequest,
    original: Rewritable,
  ): Promise<Asked | Unsettled> {
    const { route, shadow, captures, bracketed } = ticket;
    const { method, path, headersFor, served, servedAtMs } = request;
    const copy = await translated(idsOf(route), original, otherSide(shadow));
    if (!copy) return { dropped: 'id_unknown' };
    // Asked again: while the copy waited, the side may have become another, or have lost its trust.
    if (!mayCopy(dryRuns, method, shadow)) return { dropped: 'writes_unverified' };
    const { timeoutMs, bodyBytesMax } = route.config.mirror;
    const isWrite = !isSafe(method);
    /** The serving side is asked again as the client asked it. */
    const requestTo = (side: Side): Rewritable =>
      side === shadow ? copy : { path, headers: headersFor(side), body: captures.request.body() };
    let sent = 0;
    const send = async (side: Side): Promise<Observation> => {
      const isFirst = sent++ === 0;
      if (!isFirst) restraints.another(route);
      const asked = requestTo(side);
      const dryRun = isWrite ? dryRunOf(ticket, method, asked) : undefined; // Writes are not bracketed: it is the copy.
      const headers = dryRun ? [...asked.headers, ...dryRun.fields] : asked.headers;
      const sending = { upstream: upstreams()[side], method, ...asked, headers };
      const observed = await sendCopy({ ...sending, timeoutMs, bodyBytesMax });
      if (isFirst) request.observed?.(observed);
      restraints.answered(route, observed, asked.body?.length ?? 0);
      dryRun?.answered(observed);
      return observed;
    };
    if (!bracketed) return askOther({ served, send });
    return askBracketed({ served, servedAtMs, send, nowMs: () => now().getTime(), wait: delay });
  };
}

/** What the other side is asked; undefined where it has no name for what the request names. */
async function translated(ids: IdRules | undefined, original: Rewritable, from: Side): Promise<Rewritable | undefined> {
  if (!ids) return original;
  const first = ids.translate(original, from);
  if (first) return first;
  await delay(LEARNING_MS);
  return ids.translate(original, from);
}
