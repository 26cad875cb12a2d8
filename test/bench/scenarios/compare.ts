// 5. Comparing two bodies: how many pairs a core compares in a second, parsing included, beside two packages that find
// the differences between two documents. They know of no rules, no exact numbers and no limits; it is the work that is alike.
import * as jsonDiffTs from 'json-diff-ts';
import * as jsondiffpatch from 'jsondiffpatch';
import { type Body, compareBodies } from '../../../gateway/mirror/compare-body.ts';
import { type CompiledRules, compileRules } from '../../../gateway/mirror/rules.ts';
import { aCompareConfig, REVIEWED } from '../../helpers/gateway-config.ts';
import type { BenchContext, Budget, ScenarioResult, Table } from '../bench-context.ts';
import { perSecondOf } from '../cpu.ts';
import { atLeast, ratioText } from '../report.ts';
import { median, type Ratio, ratioOf } from '../statistics.ts';
import { listOf, orderOf } from '../workload.ts';

/** CPU time of one measurement. */
const MEASURED_MS = 150;
const SIZES = { '300 B': 0, '50 KB': 180, '1 MB': 3_600 } as const;
type Size = keyof typeof SIZES;

interface Case {
  readonly name: string;
  readonly legacy: string;
  readonly new: string;
  /** What ours must find that no rule covers. */
  readonly differences: number;
}

interface Measured {
  readonly size: Size;
  readonly what: string;
  /** Pairs per second of CPU time, a round each. */
  readonly perSecond: Readonly<Record<Comparer, number[]>>;
}

const COMPARERS = ['ours', 'jsondiffpatch', 'json-diff-ts'] as const;
type Comparer = (typeof COMPARERS)[number];

export async function benchCompare({ options, say }: BenchContext): Promise<ScenarioResult> {
  say('5. comparing');
  const rules = compileRules(ourRules(), { today: '2026-01-05', statusClass: 2 });
  const measured: Measured[] = [];
  const broken: string[] = [];
  for (const size of Object.keys(SIZES) as Size[]) {
    for (const each of casesOf(size)) {
      const found = ourDifferences(each, rules).filter(({ rule }) => rule === undefined).length;
      if (found !== each.differences) broken.push(`compare ${size}, ${each.name}: ${found} differences`);
      const perSecond = { ours: [], jsondiffpatch: [], 'json-diff-ts': [] };
      measured.push({ size, what: each.name, perSecond: measure(each, rules, options.rounds, perSecond) });
    }
  }
  return {
    title: '5. Comparing two bodies on one core, parsing included: pairs per second of CPU time',
    tables: (Object.keys(SIZES) as Size[]).map((size) => tableOf(size, measured)),
    budgets: measured.map(budgetOf),
    notes: [
      'spelling of each side: numbers in quotes, other timestamps, members in another order; only our rules make that equal',
      'a few differences: three values of the sides are changed, in the same spelling; arrays are keyed by order_id in all three',
    ],
    data: { measured },
    broken,
  };
}

function ourRules() {
  const amounts = ['price', 'quantity', 'filled_quantity', 'average_price', 'fee'];
  return aCompareConfig({
    normalise: [
      ...amounts.map((name) => ({ path: `$..${name}`, as: 'number' as const, ...REVIEWED })),
      { path: '$..created_at', as: 'timestamp', ...REVIEWED },
    ],
    ignore: [{ path: '$.server_time', ...REVIEWED }],
    arrays: [{ path: '$.orders', key: 'order_id', ...REVIEWED }],
  });
}

function casesOf(size: Size): readonly Case[] {
  const count = SIZES[size];
  const body = (side: 'legacy' | 'new') => (count === 0 ? orderOf(side) : listOf(count, side));
  const legacy = body('legacy');
  const changed = legacy.replace('"filled"', '"open"').replace('"BUY"', '"SELL"').replace('"LIMIT"', '"MARKET"');
  const indented = JSON.stringify(JSON.parse(legacy), undefined, 2);
  return [
    { name: 'equal bytes', legacy, new: legacy, differences: 0 },
    { name: 'indented on one side', legacy: JSON.stringify(JSON.parse(legacy)), new: indented, differences: 0 },
    { name: 'spelling of each side', legacy, new: body('new'), differences: 0 },
    { name: 'a few differences', legacy, new: changed, differences: 3 },
  ];
}

const bodyOf = (text: string): Body => ({ bytes: Buffer.from(text), contentType: 'application/json' });

function ourDifferences(each: Case, rules: CompiledRules) {
  return compareBodies(bodyOf(each.legacy), bodyOf(each.new), rules);
}

function measure(each: Case, rules: CompiledRules, rounds: number, into: Record<Comparer, number[]>) {
  const bodies = [bodyOf(each.legacy), bodyOf(each.new)] as const;
  const parsed = () => bodies.map(({ bytes }) => JSON.parse(Buffer.from(bytes).toString()) as object);
  const patcher = jsondiffpatch.create({ objectHash: (item) => String((item as { order_id?: unknown }).order_id) });
  const work: Readonly<Record<Comparer, () => unknown>> = {
    ours: () => compareBodies(...bodies, rules),
    jsondiffpatch: () => patcher.diff(...(parsed() as [object, object])),
    'json-diff-ts': () =>
      jsonDiffTs.diff(...(parsed() as [object, object]), { embeddedObjKeys: { orders: 'order_id' } }),
  };
  for (const name of COMPARERS) perSecondOf(work[name], MEASURED_MS); // Compiled by then.
  for (let round = 0; round < rounds; round++)
    for (const name of COMPARERS) into[name].push(perSecondOf(work[name], MEASURED_MS));
  return into;
}

function tableOf(size: Size, measured: readonly Measured[]): Table {
  const rows = measured.filter((each) => each.size === size);
  const figure = (values: readonly number[]) => Math.round(median(values)).toLocaleString('en');
  return {
    title: size,
    columns: [...COMPARERS.map((name) => `${name} /s`), 'x jsondiffpatch', 'x json-diff-ts'],
    rows: rows.map(({ what, perSecond }) => [
      what,
      ...COMPARERS.map((name) => figure(perSecond[name])),
      ...(['jsondiffpatch', 'json-diff-ts'] as const).map((name) =>
        ratioText(ratioOf(perSecond.ours, perSecond[name])),
      ),
    ]),
  };
}

function budgetOf({ size, what, perSecond }: Measured): Budget {
  const [first, second] = [
    ratioOf(perSecond.ours, perSecond.jsondiffpatch),
    ratioOf(perSecond.ours, perSecond['json-diff-ts']),
  ];
  const least: Ratio = first.median < second.median ? first : second;
  return atLeast(`comparing ${size}, ${what}, x the faster package`, 1, least);
}
