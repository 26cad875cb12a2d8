// 6. Deciding about a request: how many decisions a core makes in a second with 500 routes, and what one costs, with the
// evaluator as either provider of flags has it.
import { contextOf, createEvaluator, FeatureSource } from '../../../gateway/rollout/evaluator.ts';
import { gradualRollout } from '../../../gateway/rollout/feature.ts';
import { decide, type FlagReader, type ForcedSides } from '../../../gateway/routing/decide.ts';
import { compileRoutes, type RouteTable } from '../../../gateway/routing/route.ts';
import { aGatewayConfig, aRoute } from '../../helpers/gateway-config.ts';
import type { BenchContext, ScenarioResult } from '../bench-context.ts';
import { median } from '../statistics.ts';

const ROUTES = 500;
/** CPU time of one measurement. */
const MEASURED_MS = 150;
const DECISION_NS_MAX = 1_000;
const PERCENTS = [0, 10, 50, 100];
const IDENTITIES = Array.from({ length: 1_024 }, (_, i) => `user-${i}`);

const PROVIDERS = {
  file: { provider: 'file', file: 'flags.json' },
  unleash: {
    provider: 'unleash',
    url: 'http://127.0.0.1:4242/api',
    tokenEnv: 'TOKEN',
    environment: 'production',
    backupFile: 'backup.json',
  },
} as const;
type Provider = keyof typeof PROVIDERS;

interface Measured {
  readonly provider: Provider;
  readonly what: string;
  /** Nanoseconds of CPU time, a round each. */
  readonly ns: readonly number[];
}

export async function benchDecisions({ options, say }: BenchContext): Promise<ScenarioResult> {
  say('6. deciding');
  const configs = Array.from({ length: ROUTES }, (_, i) =>
    aRoute({ id: `route.${i}`, match: { methods: ['GET'], path: `/api/area-${i % 25}/thing-${i}/:id` } }),
  );
  const table = compileRoutes(configs);
  const measured: Measured[] = [];
  const broken: string[] = [];
  for (const provider of ['file', 'unleash'] as const) {
    const { decideOnly, matchToo, sides } = workOf(table, evaluatorFor(provider, table));
    if (sides.size !== 2) broken.push(`decisions, ${provider}: all users are on one side`);
    for (const [what, work] of [
      ['a decision', decideOnly],
      ['finding the route, and a decision', matchToo],
    ] as const) {
      nsOf(work); // Compiled by then.
      measured.push({ provider, what, ns: Array.from({ length: options.rounds }, () => nsOf(work)) });
    }
  }
  const figure = (value: number) => Math.round(value).toLocaleString('en');
  return {
    title: `6. Deciding with ${ROUTES} routes on one core: CPU time`,
    tables: [
      {
        title: 'flags from',
        columns: ['what', 'ns each', 'per second'],
        rows: measured.map(({ provider, what, ns }) => [
          provider,
          what,
          figure(median(ns)),
          figure(1_000_000_000 / median(ns)),
        ]),
      },
    ],
    budgets: measured
      .filter(({ what }) => what === 'a decision')
      .map(({ provider, what, ns }) => ({
        what: `${what}, flags from ${provider}`,
        goal: `<= ${DECISION_NS_MAX} ns`,
        measured: `${figure(median(ns))} ns`,
        met: median(ns) <= DECISION_NS_MAX,
      })),
    notes: [
      `two flags a decision; a quarter of the routes each at ${PERCENTS.join(', ')} % of ${IDENTITIES.length} users`,
    ],
    data: { measured },
    broken,
  };
}

function evaluatorFor(provider: Provider, { routes }: RouteTable) {
  const source = new FeatureSource();
  const features = routes.flatMap(({ flag, mirrorFlag, groupId }, i) => [
    gradualRollout(flag, PERCENTS[i % PERCENTS.length] ?? 0, groupId),
    gradualRollout(mirrorFlag, 100, mirrorFlag),
  ]);
  source.replace({ version: 2, features });
  return createEvaluator(source, contextOf(aGatewayConfig({ flags: PROVIDERS[provider] }).flags));
}

function workOf(table: RouteTable, isEnabled: FlagReader) {
  const forced: ForcedSides = { all: undefined, route: () => undefined };
  const sides = new Set<string>();
  const paths = table.routes.map(({ config }) => config.match.path.replace(':id', '42'));
  let at = 0;
  const next = () => {
    at++;
    return IDENTITIES[at % IDENTITIES.length] ?? '';
  };
  const decideOnly = () => {
    const route = table.routes[at % ROUTES];
    if (route) sides.add(decide(route, next(), forced, isEnabled).side);
  };
  const matchToo = () => {
    const route = table.match('GET', paths[at % ROUTES] ?? '');
    if (route) sides.add(decide(route, next(), forced, isEnabled).side);
  };
  for (let i = 0; i < ROUTES; i++) matchToo();
  return { decideOnly, matchToo, sides };
}

/** By CPU time of this thread, so that whatever else runs on the machine is not counted. */
function nsOf(work: () => void): number {
  const startedAt = process.threadCpuUsage();
  for (let batch = 1_000, done = 0; ; batch *= 2) {
    for (let i = 0; i < batch; i++) work();
    done += batch;
    const { user, system } = process.threadCpuUsage(startedAt);
    if (user + system >= MEASURED_MS * 1_000) return ((user + system) * 1_000) / done;
  }
}
