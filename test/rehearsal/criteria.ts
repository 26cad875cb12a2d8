// When a step is over: what the routes still lack, by what the operator's API says of them. Pure.
import type { RouteDetail } from '../../gateway/operator/contract/routes.ts';

/** What is lacking in words; undefined when nothing is. */
export type Criterion = (routes: readonly RouteDetail[]) => string | undefined;

const each =
  (lacks: (route: RouteDetail) => string | undefined): Criterion =>
  (routes) => {
    const lacking = routes.flatMap((route) => {
      const text = lacks(route);
      return text === undefined ? [] : [`${route.id}: ${text}`];
    });
    return lacking.length === 0 ? undefined : lacking.join('; ');
  };

/** At the stage, by the flags and in fact: no override is in the way. */
export const at = (stage: RouteDetail['stage']): Criterion =>
  each(({ stage: now, percent, override }) =>
    now === stage && override === null
      ? undefined
      : `${now} ${percent} %${override ? `, forced by ${override.actor}` : ''}`,
  );

/** Forced to legacy by this actor. */
export const forcedBy = (actor: string): Criterion =>
  each(({ override }) => (override?.actor === actor ? undefined : `not forced by ${actor}`));

/** This gate of the plan's step passes. */
export const passes = (gate: string): Criterion =>
  each(({ plan }) => {
    const found = plan?.gates.find(({ gate: name }) => name === gate);
    return found?.status === 'pass' ? undefined : (found?.sentence ?? `no gate ${gate} in this step`);
  });

/** This gate of the plan's step does not pass: evidence that it holds a route where it should. */
export const holdsAt = (gate: string): Criterion =>
  each(({ plan }) =>
    plan?.gates.some(({ gate: name, status }) => name === gate && status === 'fail')
      ? undefined
      : `${gate} does not fail`,
  );

/** Streams of the route are open, all of them on this side. */
export const streamsOn = (side: 'legacy' | 'new'): Criterion =>
  each(({ streams }) => {
    const other = side === 'new' ? 'legacy' : 'new';
    return streams[side] > 0 && streams[other] === 0 && streams.oldSide === 0
      ? undefined
      : `${streams.legacy} on legacy, ${streams.new} on new, ${streams.oldSide} on the old side`;
  });

/** All of them. */
export const all =
  (...criteria: readonly Criterion[]): Criterion =>
  (routes) =>
    criteria
      .map((criterion) => criterion(routes))
      .filter((lacks) => lacks !== undefined)
      .join('; ') || undefined;
