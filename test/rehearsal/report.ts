// What a rehearsal leaves: the story with its evidence, and whether it held. Pure.
import type { RouteDetail } from '../../gateway/operator/contract/routes.ts';
import type { LoadFigures } from './load.ts';

export interface Told {
  readonly phase: string;
  readonly what: string;
  readonly tookMs: number;
  /** What the API said at the end, a line a route. */
  readonly evidence: readonly string[];
  /** What was lacking when time was up, or what went wrong. */
  readonly failure?: string;
}

export interface Sums {
  readonly load: LoadFigures;
  readonly ordersAtExchange: number;
  readonly streams: { readonly messages: number; readonly gaps: number; readonly returns: number };
  readonly auditEntries: number;
}

export interface Rehearsal {
  readonly at: string;
  readonly tookMs: number;
  readonly steps: readonly Told[];
  readonly sums: Sums;
}

/** What must hold of the whole, each with the numbers; false where it does not. */
export function promisesOf({
  load,
  ordersAtExchange,
  streams,
}: Sums): readonly (readonly [promise: string, held: boolean])[] {
  const { requests, failed, lost, ordersMade } = load;
  return [
    [`${failed} of ${requests} requests failed (${load.by})`, failed === 0 && requests > 0],
    [`${lost} requests could not be sent in time`, lost === 0],
    ...(ordersMade === undefined
      ? []
      : ([
          [
            `${ordersMade} orders were made for users, ${ordersAtExchange} are at the exchange`,
            ordersMade === ordersAtExchange && ordersMade > 0,
          ],
        ] as const)),
    [
      `${streams.gaps} gaps in ${streams.messages} messages of streams, which came back ${streams.returns} times`,
      streams.gaps === 0 && streams.messages > 0,
    ],
  ];
}

export const held = ({ steps, sums }: Rehearsal): boolean =>
  steps.every(({ failure }) => failure === undefined) && promisesOf(sums).every(([, kept]) => kept);

/** A route as one line. */
export function evidenceOf({ id, stage, percent, override, comparison, streams }: RouteDetail): string {
  const { match, ignored, mismatch } = comparison.outcomes;
  const compared = match + ignored + mismatch;
  return [
    `${id}: ${stage}${stage === 'canary' ? ` ${percent} %` : ''}`,
    ...(override === null ? [] : [`forced to ${override.side} by ${override.actor}: ${override.reason}`]),
    ...(compared === 0 ? [] : [`${match + ignored} of ${compared} compared agree`]),
    ...(streams.legacy + streams.new === 0 ? [] : [`streams: ${streams.legacy} on legacy, ${streams.new} on new`]),
  ].join('; ');
}

export function reportText(rehearsal: Rehearsal): string {
  const { at, tookMs, steps, sums } = rehearsal;
  const phases = [...new Set(steps.map(({ phase }) => phase))];
  return [
    `# The rehearsal ${held(rehearsal) ? 'held' : 'did not hold'}`,
    '',
    `${at}, ${seconds(tookMs)}; ${sums.auditEntries} entries in the audit log.`,
    '',
    ...promisesOf(sums).map(([promise, kept]) => `- ${kept ? 'kept' : '**broken**'}: ${promise}`),
    ...sums.load.failures.map((failure) => `  - ${failure}`),
    ...phases.flatMap((phase) => [
      '',
      `## ${phase}`,
      '',
      ...steps.filter((step) => step.phase === phase).flatMap(stepLines),
    ]),
    '',
  ].join('\n');
}

function stepLines({ what, tookMs, evidence, failure }: Told): readonly string[] {
  return [
    `- ${what} (${seconds(tookMs)})`,
    ...evidence.map((line) => `  - ${line}`),
    ...(failure === undefined ? [] : [`  - **failed**: ${failure}`]),
  ];
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
