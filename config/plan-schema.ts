// The part of a gateway's configuration that is about going forward and back by itself: plans, gates, guards.
import { z } from 'zod';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;

export const GATES = ['parity', 'coverage', 'errors', 'latency', 'data', 'manual'] as const;
export type GateName = (typeof GATES)[number];

const share = z.number().min(0).max(1);
const samplesMin = z.number().int().min(1).max(10_000_000);

const gateSettings = z.strictObject({
  parity: z
    .strictObject({
      lowerBoundMin: share
        .default(0.999)
        .describe(
          'What parity must be with 95 % confidence. 0.999 needs 2,703 comparisons without a mismatch, 0.99 268.',
        ),
      samplesMin: samplesMin.default(200).describe('Comparisons below which nothing is concluded.'),
      streamsMin: samplesMin
        .default(10)
        .describe('Of messages of streams: compared streams below which nothing is concluded, however much they said.'),
    })
    .prefault({}),
  coverage: z
    .strictObject({
      min: share.default(0.9).describe('Share of the eligible requests that must have been compared.'),
      samplesMin: samplesMin.default(200).describe('Eligible requests below which nothing is concluded.'),
    })
    .prefault({}),
  errors: z
    .strictObject({
      increaseMax: share
        .default(0.005)
        .describe("How much larger new's share of errors may be than legacy's, with 95 % confidence."),
      samplesMin: samplesMin.default(200).describe('Requests of each side below which nothing is concluded.'),
    })
    .prefault({}),
  latency: z
    .strictObject({
      ratioMax: z.number().min(1).max(100).default(1.2).describe("How much larger new's p95 may be than legacy's."),
      samplesMin: samplesMin.default(200).describe('Requests of each side below which nothing is concluded.'),
    })
    .prefault({}),
});

const step = z
  .strictObject({
    stage: z.enum(['shadow', 'canary', 'live', 'complete']),
    percent: z
      .number()
      .int()
      .min(1)
      .max(99)
      .optional()
      .describe('Of a canary: how many per cent of users the new side serves.'),
    leastMs: z
      .number()
      .int()
      .min(0)
      .max(30 * DAY_MS)
      .default(10 * MINUTE_MS)
      .describe('How long the step lasts at least.'),
    gates: z.array(z.enum(GATES)).default([]).describe('What must hold before the step is left.'),
  })
  .refine(({ stage, percent }) => (stage === 'canary') === (percent !== undefined), {
    path: ['percent'],
    message: 'a canary needs "percent", and nothing else has it',
  });

/** How far along a step is: each must be further than the one before. */
function reach({ stage, percent = 0 }: z.output<typeof step>): number {
  return { shadow: 0, canary: percent, live: 100, complete: 101 }[stage];
}

export const plan = z.strictObject({
  mode: z
    .enum(['act', 'dry-run'])
    .default('act')
    .describe('dry-run moves nothing, and says what it would have done, in the API, the log and the audit log.'),
  gates: gateSettings.prefault({}),
  steps: z
    .array(step)
    .min(1)
    .max(30)
    .superRefine((steps, context) => {
      if (steps[0]?.stage !== 'shadow') {
        context.addIssue({ code: 'custom', path: [0, 'stage'], message: 'a plan begins with shadow' });
      }
      for (const [index, each] of steps.entries()) {
        const before = steps[index - 1];
        if (!before || reach(before) < reach(each)) continue;
        context.addIssue({ code: 'custom', path: [index], message: 'must be further than the step before it' });
      }
    })
    .describe('From shadow over canary steps to live and complete. A plan may end before.'),
});

export const guard = z.strictObject({
  enabled: z
    .boolean()
    .default(true)
    .describe(
      'Watches the route in canary and live, and rolls it back by itself. Without effect on a route without a plan.',
    ),
  samplesMin: samplesMin.default(30).describe('Requests of a side in the window below which errors say nothing.'),
  errorsIncreaseMax: share
    .default(0.01)
    .describe(
      "How much larger new's share of errors than legacy's is borne; beyond it, beyond doubt, the route goes back.",
    ),
  latencySamplesMin: samplesMin
    .default(50)
    .describe('Requests of a side in the window below which latency says nothing.'),
  latencyRatioMax: z
    .number()
    .min(1)
    .max(100)
    .default(1.5)
    .describe("How much larger new's p95 than legacy's is borne."),
  criticalMax: z
    .number()
    .int()
    .min(0)
    .max(1_000_000)
    .default(0)
    .describe('Critical differences in the last ten minutes that are borne.'),
});

/** A plan's name. */
export const planName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,49}$/, 'expected a name such as standard');

/** The name of a data job, and of its certificate's file. */
export const jobName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/, 'expected the name of a data job');

/** What a route may say of itself here. */
export const routeRollout = {
  plan: planName
    .optional()
    .describe('The plan by which the route is promoted, once it is started: banyan plan ID start.'),
  guard: guard.prefault({}),
  requires: z
    .array(jobName)
    .max(50)
    .default([])
    .describe('Data jobs whose certificates must be valid for the gate "data"; they are looked for in certificates.'),
};

export type PlanConfig = z.output<typeof plan>;
export type PlanStep = PlanConfig['steps'][number];
export type GateSettings = PlanConfig['gates'];
export type GuardConfig = z.output<typeof guard>;

const CANARY_GATES: GateName[] = ['parity', 'errors', 'latency'];

/** The plan that is there without being configured; one of the same name takes its place. */
export const STANDARD_PLAN: PlanConfig = plan.parse({
  steps: [
    { stage: 'shadow', leastMs: 30 * MINUTE_MS, gates: ['parity', 'coverage', 'errors', 'data'] },
    { stage: 'canary', percent: 1, gates: CANARY_GATES },
    { stage: 'canary', percent: 5, gates: CANARY_GATES },
    { stage: 'canary', percent: 10, gates: CANARY_GATES },
    { stage: 'canary', percent: 25, leastMs: 20 * MINUTE_MS, gates: CANARY_GATES },
    { stage: 'canary', percent: 50, leastMs: 30 * MINUTE_MS, gates: [...CANARY_GATES, 'data'] },
    { stage: 'live', leastMs: DAY_MS, gates: ['parity', 'coverage', 'errors', 'data', 'manual'] },
    { stage: 'complete', leastMs: 0 },
  ],
});

export const STANDARD = 'standard';
export const plans = z.record(planName, plan).default({});

/** The plan of a name: a configured one, or the one that is built in. */
export function planNamed(name: string, configured: Readonly<Record<string, PlanConfig>>): PlanConfig | undefined {
  return Object.hasOwn(configured, name) ? configured[name] : name === STANDARD ? STANDARD_PLAN : undefined;
}

const planSettings = z.looseObject({
  plans: z.record(z.string(), z.unknown()).catch({}),
  certificates: z.unknown().optional(),
  routes: z
    .array(
      z
        .object({
          plan: z.string().optional().catch(undefined),
          requires: z.array(z.unknown()).catch([]),
          writes: z.object({ wayBack: z.unknown().optional() }).catch({}).default({}),
        })
        .catch({ plan: undefined, requires: [], writes: {} }),
    )
    .catch([]),
});

/**
 * What no single value shows: plans that nobody has described, and certificates without a folder to look in. `data` is the
 * whole configuration, right or wrong.
 */
export function checkPlans(data: unknown): { readonly path: readonly (string | number)[]; readonly message: string }[] {
  const { plans: described, certificates, routes } = planSettings.safeParse(data).data ?? { plans: {}, routes: [] };
  const names = [...new Set([...Object.keys(described), STANDARD])];
  const needsFolder = 'needs a folder to look in; give certificates';
  return routes.flatMap(({ plan: name, requires, writes }, index) => [
    ...(name === undefined || names.includes(name)
      ? []
      : [
          {
            path: ['routes', index, 'plan'],
            message: `no plan is called ${name}; there are ${names.join(', ')}`,
          },
        ]),
    ...(requires.length > 0 && certificates === undefined
      ? [{ path: ['routes', index, 'requires'], message: needsFolder }]
      : []),
    ...(writes.wayBack !== undefined && certificates === undefined
      ? [{ path: ['routes', index, 'writes', 'wayBack'], message: needsFolder }]
      : []),
  ]);
}
