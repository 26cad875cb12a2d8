// What of a route somebody should look at now: each with its kind, how bad it is, and a sentence that says it. Pure.
import { counting, type RouteEvidence } from '../mirror/evidence.ts';
import type { PlanView } from '../rollout/plan-view.ts';
import { SIDES } from '../routing/side.ts';
import { attentionOfRule } from '../rule-list.ts';
import type { Attention } from './contract/routes.ts';
import type { RouteFacts } from './route-facts.ts';

/** Noise that an operator should hear of: in so many requests, and so large a share of those that could tell. */
const UNJUDGED_MIN = 20;
const UNJUDGED_SHARE = 0.2;

/**
 * Empty when there is nothing. `critical`: users get, or would get, something wrong. `warning`: something is not as it
 * should be. `info`: it is meant, but should not be forgotten.
 */
export function attentionOf(facts: RouteFacts): Attention[] {
  const { state, evidence, traffic, streams, rules, openBreakers, processes } = facts;
  const { outcomes, differences, coverage } = evidence;
  const found: Attention[] = [];
  const say = (kind: Attention['kind'], severity: Attention['severity'], sentence: string) =>
    found.push({ kind, severity, sentence });
  if (state.override) {
    const { side, actor, reason, returnsTo } = state.override;
    say('override', 'warning', `forced to ${side} by ${actor}: ${reason}; lifting it returns to ${returnsTo.stage}`);
  }
  for (const note of facts.flagNotes) say('flags', 'warning', note);
  if (streams.oldSide > 0) {
    say('streams', 'info', `${streams.oldSide} open streams are still on the side that no longer serves them`);
  }
  for (const side of SIDES) {
    if (openBreakers[side] === 0) continue;
    const sentence = `${openBreakers[side]} of ${processes} processes leave ${side} alone, because it keeps failing`;
    say('breaker', 'critical', sentence);
  }
  const critical = differences.filter(
    (difference) => difference.critical && difference.rule === undefined && counting(difference) > 0,
  );
  for (const difference of critical.slice(0, 3)) {
    const { path, kind } = difference;
    const sentence = `critical: ${path} differs (${kind}) in ${counting(difference)} of the compared requests`;
    say('critical_difference', 'critical', sentence);
  }
  for (const { path, noise } of unjudged(evidence).slice(0, 3)) {
    const of = evidence.bracketed.comparable;
    const sentence = `${path} cannot be judged in ${noise} of ${of} requests: legacy does not agree with itself there`;
    say('noise', 'info', sentence);
  }
  for (const rule of rules) {
    const sentence = attentionOfRule(rule);
    if (sentence !== undefined) say('rule', rule.state === 'expired' ? 'warning' : 'info', sentence);
  }
  if (outcomes.new_error > 0) {
    say('new_errors', 'warning', `the new side failed ${outcomes.new_error} copied requests that legacy answered`);
  }
  if (outcomes.timeout > 0) say('timeouts', 'warning', `${outcomes.timeout} copies were not answered in time`);
  if (coverage !== null && coverage < 0.9 && evidence.eligible >= 100) {
    const sentence = `only ${(coverage * 100).toFixed(1)} % of the eligible requests could be compared`;
    say('coverage', 'warning', sentence);
  }
  found.push(...streamsAttention(evidence));
  const { requests, errors } = traffic.new;
  if (requests >= 20 && errors / requests > 0.01) {
    say('served_errors', 'critical', `the new side failed ${errors} of ${requests} requests it served`);
  }
  return [...found, ...rolloutAttention(facts)];
}

/** What the route's plan and guard want of a person. */
function rolloutAttention({ plan, guard }: RouteFacts): Attention[] {
  const found: Attention[] = [];
  if (guard.kind !== 'watch') {
    const isDry = plan?.mode === 'dry-run' && guard.kind === 'roll_back';
    const sentence = `guard${isDry ? ' (dry run) would roll back' : ''}: ${guard.sentence}`;
    found.push({ kind: 'guard', severity: 'critical', sentence });
  }
  const ofPlan = (severity: Attention['severity'], sentence: string) =>
    found.push({ kind: 'plan', severity, sentence });
  if (plan?.status === 'paused') ofPlan('info', `the plan is paused: ${plan.note}`);
  if (plan?.status === 'rolled_back') ofPlan('warning', `the plan was rolled back: ${plan.note}`);
  const failing = plan?.status === 'running' ? plan.gates.filter(({ status }) => status === 'fail') : [];
  for (const { gate, sentence } of failing) {
    found.push({ kind: 'gate', severity: 'warning', sentence: `gate ${gate}: ${sentence}` });
  }
  const manual = plan?.status === 'running' && isOnlyManualOpen(plan);
  if (manual) ofPlan('info', 'the plan waits for a person: banyan promote');
  return found;
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

function streamsAttention({ streams }: RouteEvidence): Attention[] {
  if (!streams) return [];
  const { different, missing, extra } = streams.messages;
  const { new_failed: failed = 0, new_ended: ended = 0 } = streams.ended;
  const disagreeing = `compared streams disagree: ${different} messages differ, ${missing} are missing on new, ${extra} only it sends`;
  const unopened = `the new side would not open ${failed} of ${streams.begun} compared streams`;
  const cut = `the new side ended ${ended} of ${streams.begun} compared streams before legacy did`;
  return [
    ...(different + missing + extra > 0 ? [{ severity: 'warning', sentence: disagreeing } as const] : []),
    ...(failed > 0 ? [{ severity: 'warning', sentence: unopened } as const] : []),
    ...(ended > 0 ? [{ severity: 'warning', sentence: cut } as const] : []),
  ].map((found) => ({ kind: 'stream_differences', ...found }));
}
