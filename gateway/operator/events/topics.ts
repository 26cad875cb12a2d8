// What events are about: each topic's state as it is now. An event is a topic whose state has become another.

import type { KnownJob } from '../../jobs/jobs.ts';
import { ALL_ROUTES } from '../../ledger/ledger.ts';
import type { SideTraffic } from '../../traffic.ts';
import { attentionOf } from '../attention.ts';
import type { OperatorDeps } from '../context.ts';
import type { EventData } from '../contract/events.ts';
import { createFactsOf } from '../route-facts.ts';
import { standingRules } from '../rules.ts';
import { statusOf } from '../status.ts';
import type { OperatorEvent } from './ring.ts';

/** Every topic by its own name. */
export function topicsOf(deps: OperatorDeps, isDraining: boolean): Map<string, OperatorEvent> {
  const at = deps.now().toISOString();
  const { control, plans, serving, jobs } = deps;
  const ids = deps.settings.current.table.routes.map(({ id }) => id);
  const { ready, warnings, upstreams } = statusOf(deps, isDraining);
  const health = (side: 'legacy' | 'new') => ({
    healthy: upstreams[side].healthy,
    problem: upstreams[side].problem,
  });
  const instances = serving
    .instances()
    .map(({ pid, startedAt, state, version }) => ({ pid, startedAt, state, version }));
  const topics: (readonly [topic: string, OperatorEvent])[] = [
    ['routes', { name: 'routes', data: { at, ids } }],
    [
      'override',
      {
        name: 'override',
        data: { at, override: control.allOverride() ?? null, revision: control.revision(ALL_ROUTES) },
      },
    ],
    ['rules', { name: 'rules', data: { at, revision: deps.rules.revision() } }],
    ['instances', { name: 'instances', data: { at, instances } }],
    ['jobs', { name: 'jobs', data: { at, jobs: jobs.last().map(inBrief) } }],
    [
      'health',
      { name: 'health', data: { at, ready, warnings, upstreams: { legacy: health('legacy'), new: health('new') } } },
    ],
  ];
  for (const id of ids) {
    const { override, ...state } = control.route(id);
    topics.push([`route ${id}`, { name: 'route', data: { at, ...state, override: override ?? null } }]);
    const plan = plans.view(id) ?? null;
    topics.push([`plan ${id}`, { name: 'plan', data: { at, id, plan, guard: plans.guard(id) } }]);
  }
  return new Map(topics);
}

/** Without its numbers, which change all the time. How long it has been silent is one of them. */
function inBrief({ job, condition, phase, attention }: KnownJob) {
  return { job, condition, phase, attention: condition === 'silent' ? null : attention };
}

/** Whether a topic is still as it was, whenever that was. */
export function isSame(a: OperatorEvent, b: OperatorEvent | undefined): boolean {
  return b !== undefined && stateOf(a) === stateOf(b);
}

function stateOf({ data: { at: _at, ...state } }: OperatorEvent): string {
  return JSON.stringify(state);
}

/** The rates of all routes. */
export function summaryOf(deps: OperatorDeps): EventData<'summary'> {
  const factsOf = createFactsOf(deps);
  const rules = standingRules(deps);
  const routes = deps.settings.current.table.routes.map((route) => {
    const facts = factsOf(route, { rules });
    const { coverage, parity, parityLowerBound } = facts.evidence;
    return {
      id: route.id,
      traffic: { legacy: ratesOf(facts.traffic.legacy), new: ratesOf(facts.traffic.new) },
      streams: facts.streams,
      ...{ coverage, parity, parityLowerBound },
      attention: attentionOf(facts).length,
    };
  });
  return { at: deps.now().toISOString(), routes };
}

function ratesOf({ perSecond, errorShare, latencyMs }: SideTraffic) {
  return { perSecond, errorShare, latencyMs };
}
