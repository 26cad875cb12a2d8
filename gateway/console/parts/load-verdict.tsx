// What a load comparison found, or one of its limits. Colour is never alone: each has its word, and a shape of its own.
import type { JSX } from 'preact';
import type { BriefLoadRun, LoadLimit } from '../answers.ts';

const SIGNS: Readonly<Record<LoadLimit['outcome'], readonly [shape: string, health: string]>> = {
  met: ['●', 'healthy'],
  missed: ['▲', 'degraded'],
  unclear: ['○', 'unknown'],
};

export function LoadOutcome({ outcome, children }: { outcome: LoadLimit['outcome']; children?: string }): JSX.Element {
  const [shape, health] = SIGNS[outcome];
  return (
    <span class={`health ${health}`}>
      <span aria-hidden="true">{shape}</span> {children ?? outcome}
    </span>
  );
}

/** A run that missed nothing may yet not be one that met all. */
export function LoadVerdict({ met, limits }: Pick<BriefLoadRun, 'met' | 'limits'>): JSX.Element {
  if (met) return <LoadOutcome outcome="met">ready</LoadOutcome>;
  return limits.missed > 0 ? (
    <LoadOutcome outcome="missed">not ready</LoadOutcome>
  ) : (
    <LoadOutcome outcome="unclear">not enough data</LoadOutcome>
  );
}
