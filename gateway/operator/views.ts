// What the API says of a route. Pure: facts in, JSON out.
import { counting, type RouteEvidence } from '../mirror/evidence.ts';
import type { StreamEvidence } from '../mirror/stream-evidence.ts';
import type { RouteState } from '../rollout/control.ts';
import type { GuardDecision } from '../rollout/guard.ts';
import type { PlanView } from '../rollout/plan-view.ts';
import type { RouteModel } from '../routing/route.ts';
import { SIDES, type Side } from '../routing/side.ts';
import { attentionOfRule, type StandingRule } from '../rule-list.ts';
import type { StreamCounts } from '../streams/registry.ts';
import type { SideTraffic } from '../traffic.ts';
import type { WritesLegacyLacks } from '../writes/kept-writes.ts';

/** Noise that an operator should hear of: in so many requests, and so large a share of those that could tell. */
const UNJUDGED_MIN = 20;
const UNJUDGED_SHARE = 0.2;

export interface RouteFacts {
  readonly route: RouteModel;
  readonly state: RouteState;
  readonly evidence: RouteEvidence;
  readonly traffic: Readonly<Record<Side, SideTraffic>>;
  readonly streams: StreamCounts;
  /** The route's rules for comparing. */
  readonly rules: readonly StandingRule[];
  /** How many of `processes` leave each side alone. */
  readonly openBreakers: Readonly<Record<Side, number>>;
  readonly processes: number;
  /** What a person has made of the route's flags that its stage does not tell. */
  readonly flagNotes: readonly string[];
  /** Undefined for a route without a plan. */
  readonly plan: PlanView | undefined;
  readonly guard: GuardDecision;
  readonly writes: WritesLegacyLacks;
}

/** A route in the list: where it is, how it does, and whether somebody should look. */
export function routeSummary(facts: RouteFacts) {
  const { route, state, evidence, traffic } = facts;
  return {
    id: route.id,
    group: route.config.group ?? null,
    match: route.config.match,
    stage: state.stage,
    percent: state.percent,
    mirrorPercent: state.mirrorPercent,
    samplePercent: route.config.mirror.samplePercent,
    override: state.override ?? null,
    revision: state.revision,
    traffic,
    comparison: comparisonOf(evidence),
    writesLegacyLacks: { count: facts.writes.count, since: facts.writes.since },
    attention: attentionOf(facts),
  };
}

/** The rates of one window: never one without the others, since each is easily misread alone. */
function comparisonOf({ eligible, coverage, parity, parityLowerBound, outcomes, streams }: RouteEvidence) {
  return {
    ...{ eligible, coverage, parity, parityLowerBound, outcomes },
    ...(streams ? { streams: streamsSummary(streams) } : {}),
  };
}

/** The same of streams. */
function streamsSummary({ begun, messages, coverage, parity, parityLowerBound }: StreamEvidence) {
  return { begun, coverage, parity, parityLowerBound, messages };
}

/** One route with all that is known of it; `windows` are the same evidence in every window. */
export function routeDetail(facts: RouteFacts, windows: readonly RouteEvidence[]) {
  const { timeoutMs, mirror, compare, redact, streams, writes, initialStage, requires } = facts.route.config;
  const { window, since, pending, dropped, differences } = facts.evidence;
  return {
    ...routeSummary(facts),
    writesLegacyLacks: facts.writes,
    streams: facts.streams,
    openBreakers: facts.openBreakers,
    plan: facts.plan ?? null,
    guard: facts.guard,
    settings: { initialStage, timeoutMs, mirror, compare, redact, streams, writes, requires },
    evidence: {
      ...{ window, since, pending, dropped, differences },
      windows: windows.map((each) => ({ window: each.window, since: each.since, ...comparisonOf(each) })),
    },
  };
}

/** Sentences for the operator: what is wrong with this route now. Empty when nothing is. */
export function attentionOf(facts: RouteFacts): string[] {
  const { state, evidence, traffic, streams, rules, openBreakers, processes } = facts;
  const { outcomes, differences, coverage } = evidence;
  const sentences: string[] = [];
  if (state.override) {
    const { side, actor, reason, returnsTo } = state.override;
    sentences.push(`forced to ${side} by ${actor}: ${reason}; lifting it returns to ${returnsTo.stage}`);
  }
  sentences.push(...facts.flagNotes);
  if (streams.oldSide > 0) {
    sentences.push(`${streams.oldSide} open streams are still on the side that no longer serves them`);
  }
  for (const side of SIDES) {
    if (openBreakers[side] === 0) continue;
    sentences.push(`${openBreakers[side]} of ${processes} processes leave ${side} alone, because it keeps failing`);
  }
  const critical = differences.filter(
    (difference) => difference.critical && difference.rule === undefined && counting(difference) > 0,
  );
  for (const difference of critical.slice(0, 3)) {
    const { path, kind } = difference;
    sentences.push(`critical: ${path} differs (${kind}) in ${counting(difference)} of the compared requests`);
  }
  for (const { path, noise } of unjudged(evidence).slice(0, 3)) {
    const of = evidence.bracketed.comparable;
    sentences.push(`${path} cannot be judged in ${noise} of ${of} requests: legacy does not agree with itself there`);
  }
  sentences.push(...rules.flatMap((rule) => attentionOfRule(rule) ?? []));
  if (outcomes.new_error > 0)
    sentences.push(`the new side failed ${outcomes.new_error} copied requests that legacy answered`);
  if (outcomes.timeout > 0) sentences.push(`${outcomes.timeout} copies were not answered in time`);
  if (coverage !== null && coverage < 0.9 && evidence.eligible >= 100) {
    sentences.push(`only ${(coverage * 100).toFixed(1)} % of the eligible requests could be compared`);
  }
  sentences.push(...streamsAttention(evidence));
  const { requests, errors } = traffic.new;
  if (requests >= 20 && errors / requests > 0.01)
    sentences.push(`the new side failed ${errors} of ${requests} requests it served`);
  return [...sentences, ...rolloutAttention(facts)];
}

/** What the route's plan and guard want of a person. */
function rolloutAttention({ plan, guard }: RouteFacts): string[] {
  const sentences: string[] = [];
  if (guard.kind !== 'watch') {
    const isDry = plan?.mode === 'dry-run' && guard.kind === 'roll_back';
    sentences.push(`guard${isDry ? ' (dry run) would roll back' : ''}: ${guard.sentence}`);
  }
  if (plan?.status === 'paused') sentences.push(`the plan is paused: ${plan.note}`);
  if (plan?.status === 'rolled_back') sentences.push(`the plan was rolled back: ${plan.note}`);
  const failing = plan?.status === 'running' ? plan.gates.filter(({ status }) => status === 'fail') : [];
  for (const { gate, sentence } of failing) sentences.push(`gate ${gate}: ${sentence}`);
  const manual = plan?.status === 'running' && isOnlyManualOpen(plan);
  if (manual) sentences.push('the plan waits for a person: banyan promote');
  return sentences;
}

function isOnlyManualOpen({ gates }: PlanView): boolean {
  const open = gates.filter(({ status }) => status !== 'pass');
  return open.length > 0 && open.every(({ gate }) => gate === 'manual');
}

/** Places where noise leaves so little to judge that a rule would serve better. */
function unjudged({ differences, bracketed }: RouteEvidence): RouteEvidence['differences'] {
  return differences.filter(
    ({ noise, rule }) => rule === undefined && noise >= UNJUDGED_MIN && noise / bracketed.comparable > UNJUDGED_SHARE,
  );
}

function streamsAttention({ streams }: RouteEvidence): string[] {
  if (!streams) return [];
  const { different, missing, extra } = streams.messages;
  const { new_failed: failed = 0, new_ended: ended = 0 } = streams.ended;
  return [
    ...(different + missing + extra > 0
      ? [
          `compared streams disagree: ${different} messages differ, ${missing} are missing on new, ${extra} only it sends`,
        ]
      : []),
    ...(failed > 0 ? [`the new side would not open ${failed} of ${streams.begun} compared streams`] : []),
    ...(ended > 0 ? [`the new side ended ${ended} of ${streams.begun} compared streams before legacy did`] : []),
  ];
}
