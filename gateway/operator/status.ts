// What the API says of the gateway itself.
import type { RuleState } from '../rollout/rule-state.ts';
import type { Stage } from '../rollout/stage.ts';
import { UNROUTED } from '../routing/route.ts';
import { SIDES, type Side } from '../routing/side.ts';
import type { OperatorDeps } from './context.ts';
import type { Status } from './contract/gateway.ts';
import { standingRules } from './rules.ts';

/** Why it does not serve; empty when it does. */
export function unreadyReasons({ serving }: OperatorDeps, draining: boolean): string[] {
  const isServed = serving.instances().some(({ state }) => state === 'serving');
  return [...(draining ? ['shutting down'] : []), ...(isServed ? [] : ['no process serves'])];
}

/** Why and since when the ledger is away, and what that means. */
function ledgerWarning({ ledger }: OperatorDeps): string | undefined {
  const { away, waiting, waitingMax } = ledger.standing() ?? {};
  if (!away) return undefined;
  const changes = `${waiting} changes wait for it in the journal, which has room for ${waitingMax}`;
  return `the ledger cannot be reached since ${away.since} (${away.cause}); ${changes}; promotions and plans wait too`;
}

/** What is wrong with the gateway itself. */
export function warningsOf(deps: OperatorDeps): string[] {
  const { flags, control, rules, settings, serving, plans, notifier, configProblem, evidenceProblem } = deps;
  const { upstreams } = settings.current;
  const down = SIDES.filter((side) => upstreams.health[side].healthy === false);
  const unhealthy = down.map((side) => `${side} is down: ${upstreams.health[side].problem}`);
  const unreadable = rules.unreadable().length;
  const lostRules =
    unreadable > 0
      ? `${unreadable} rules made by operators cannot be read by this release, and have no effect`
      : undefined;
  const own = [
    ledgerWarning(deps),
    ...[configProblem(), flags.problem(), control.problem(), evidenceProblem(), serving.problem()],
    ...[plans.problem(), lostRules, deps.writes.problem()],
  ];
  const problems = [...own, ...unhealthy, ...notifier.problems()];
  return problems.filter((text) => text !== undefined);
}

export function statusOf(deps: OperatorDeps, draining: boolean): Status {
  const { control, serving } = deps;
  const { traffic, mirror } = serving;
  const { config, table } = deps.settings.current;
  const stages = { legacy: 0, shadow: 0, canary: 0, live: 0, complete: 0 } satisfies Record<Stage, number>;
  for (const { id } of table.routes) stages[control.route(id).stage]++;
  return {
    environment: config.environment,
    ready: unreadyReasons(deps, draining).length === 0,
    warnings: warningsOf(deps),
    override: control.allOverride() ?? null,
    routes: table.routes.length,
    stages,
    rules: countRules(deps),
    unrouted: { requests: traffic.requests(UNROUTED) },
    config: { problem: deps.configProblem() ?? null },
    flags: {
      provider: config.flags.provider,
      problem: deps.flags.problem() ?? null,
      staleSeconds: Math.round(deps.flags.staleMs() / 1_000),
    },
    ledger: { problem: control.problem() ?? null, ...ledgerStatus(deps) },
    evidence: { problem: deps.evidenceProblem() ?? null },
    flips: deps.flips.view(),
    gateways: deps.flips.gateways(),
    workers: { wanted: serving.wanted, serving: serving.instances().filter(({ state }) => state === 'serving').length },
    mirror: {
      waiting: mirror.waiting,
      waitingBytes: mirror.waitingBytes,
      allowedShare: mirror.allowedShare,
    },
    upstreams: { legacy: sideStatus(deps, 'legacy'), new: sideStatus(deps, 'new') },
  };
}

/** Of a ledger that may be away. */
function ledgerStatus({ ledger }: OperatorDeps) {
  const standing = ledger.standing();
  return standing && { ...standing, away: standing.away ?? null };
}

/** How many rules for comparing there are of each state. */
function countRules(deps: OperatorDeps): Record<RuleState, number> {
  const counts = { active: 0, expires_soon: 0, expired: 0, unknown_route: 0, unreadable: 0 };
  for (const { state } of standingRules(deps)) counts[state]++;
  return counts;
}

function sideStatus({ settings, serving }: OperatorDeps, side: Side) {
  const { config, upstreams } = settings.current;
  const { healthy, problem } = upstreams.health[side];
  const { url } = config.upstreams[side];
  // Null where no health check is configured: nobody knows.
  return { url, healthy: healthy ?? null, problem: problem ?? null, inFlight: serving.inFlight(side) };
}
