// Small signs: a stage, a health. Colour is never alone: each has its word, and a shape of its own.
import type { JSX } from 'preact';
import type { RouteSummary } from '../answers.ts';
import type { Health } from '../verdict.ts';

const SHAPES: Readonly<Record<Health, string>> = {
  healthy: '●',
  progressing: '◐',
  paused: '◼',
  degraded: '▲',
  unknown: '○',
};

export function HealthBadge({ health }: { readonly health: Health }): JSX.Element {
  return (
    <span class={`health ${health}`}>
      <span aria-hidden="true">{SHAPES[health]}</span> {health}
    </span>
  );
}

export function StageBadge({
  route,
}: {
  readonly route: Pick<RouteSummary, 'stage' | 'percent' | 'override'>;
}): JSX.Element {
  const { stage, percent, override } = route;
  return (
    <span class={`badge ${stage}`} title={override ? `forced: ${override.reason}` : undefined}>
      {stage}
      {stage === 'canary' ? ` ${percent} %` : ''}
      {override ? ' · forced' : ''}
    </span>
  );
}
