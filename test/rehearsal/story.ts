// The whole migration as a list of steps: who does what, and what the operator's API must say before the next begins.
import { all, at, type Criterion, forcedBy, holdsAt, passes, streamsOn } from './criteria.ts';
import type { World } from './world.ts';

export interface Step {
  readonly phase: string;
  readonly what: string;
  /** What is done; a step without it only waits. */
  readonly act?: (world: World) => Promise<void>;
  /** Routes that the step is about. */
  readonly routes: readonly string[];
  /** When it is over. */
  readonly until: Criterion;
  readonly limitMs: number;
}

const TICKER = 'market.ticker';
const READS = ['trade.order.get', 'trade.orders.list', 'positions.list'];
const CREATE = 'trade.order.create';
const CANCEL = 'trade.order.cancel';
/** Streams that the clients of the rehearsal hold open, and those that nobody does. */
const STREAMS = ['stream.trading', 'stream.price'];
const QUIET_STREAMS = ['stream.market', 'stream.orders', 'stream.pulse'];
/** Reads that change nothing and that nobody's money hangs on. */
const HARMLESS = ['sniper.calendar', 'solana.balance', 'solana.safety', 'solana.simulate', 'solana.fees'];
const PLANNED = [TICKER, ...READS, CREATE];
const BY_HAND = [...HARMLESS, CANCEL, ...STREAMS, ...QUIET_STREAMS];
const ALL = [...PLANNED, ...BY_HAND];

const QUICK_MS = 10_000;
const PLAN_MS = 90_000;

const startPlans =
  (ids: readonly string[], reason: string): NonNullable<Step['act']> =>
  async ({ operator }) => {
    for (const id of ids) await operator.plan(id, 'start', reason);
  };
const moveAll =
  (ids: readonly string[], stage: string, percent?: number): NonNullable<Step['act']> =>
  async ({ operator }) => {
    const place = percent === undefined ? { stage } : { stage, percent };
    for (const id of ids) await operator.move(id, place, `rehearsal: ${stage}`);
  };

const PARALLEL = '1. In parallel';
const CRITICAL = '2. The trading routes';
const FAULTS = '2b. What goes wrong';
const STREAMING = '3. Streams';
const END = '4. Without legacy';

/** In order. A step that is added needs no other change. */
export const STORY: readonly Step[] = [
  { phase: PARALLEL, what: 'every route is on legacy', routes: ALL, until: at('legacy'), limitMs: QUICK_MS },
  {
    ...{ phase: PARALLEL, what: 'the ticker goes by its plan to live: shadow, 10 %, 50 %', routes: [TICKER] },
    ...{ act: startPlans([TICKER], 'rehearsal: not critical, needs no data'), until: at('live'), limitMs: PLAN_MS },
  },
  {
    ...{ phase: PARALLEL, what: 'the calendar and the chain are copied to new', routes: HARMLESS },
    ...{ act: moveAll(HARMLESS, 'shadow'), until: at('shadow'), limitMs: QUICK_MS },
  },
  {
    ...{ phase: PARALLEL, what: 'and follow by hand: they change nothing', routes: HARMLESS },
    ...{ act: moveAll(HARMLESS, 'live'), until: at('live'), limitMs: QUICK_MS },
  },
  {
    ...{
      phase: PARALLEL,
      what: 'the trading routes start their plans and are held: there is no data yet',
      routes: READS,
    },
    ...{
      act: startPlans(READS, 'rehearsal: with the data'),
      until: all(at('shadow'), holdsAt('data')),
      limitMs: PLAN_MS,
    },
  },
  {
    ...{ phase: PARALLEL, what: 'the data jobs copy, follow the writers, and verify', routes: READS },
    async act({ jobs }) {
      await jobs.begin();
      await jobs.verify();
    },
    ...{ until: passes('data'), limitMs: PLAN_MS },
  },
  {
    // What was compared while the data was not there was right to differ; a stage begun anew begins to count anew.
    ...{ phase: CRITICAL, what: 'compared anew on the data, the reads go by their plans to live', routes: READS },
    async act({ operator }) {
      for (const id of READS) {
        await operator.rollBack(id, 'rehearsal: what was compared before the data says nothing');
        await operator.lift(id, 'rehearsal: compare on the data');
      }
    },
    ...{ until: at('live'), limitMs: PLAN_MS },
  },
  {
    ...{ phase: CRITICAL, what: 'new orders go by their plan, on dry runs, to live', routes: [CREATE] },
    ...{ act: startPlans([CREATE], 'rehearsal: orders'), until: at('live'), limitMs: PLAN_MS },
  },
  {
    ...{ phase: CRITICAL, what: 'cancels follow by hand: no copy of them is compared', routes: [CANCEL] },
    ...{ act: moveAll([CANCEL], 'live'), until: at('live'), limitMs: QUICK_MS },
  },
  {
    ...{ phase: FAULTS, what: 'a bad build with wrong prices is taken back by the guard', routes: [TICKER] },
    act: async ({ build }) => build.plant(),
    ...{ until: forcedBy('guard'), limitMs: 30_000 },
  },
  {
    ...{ phase: FAULTS, what: 'the good build is put back, and the ticker goes by its plan again', routes: [TICKER] },
    async act({ build, operator }) {
      build.mend();
      await operator.lift(TICKER, 'rehearsal: the good build is back');
      await operator.plan(TICKER, 'start', 'rehearsal: once more, on the good build');
    },
    ...{ until: at('live'), limitMs: PLAN_MS },
  },
  {
    ...{ phase: FAULTS, what: 'an operator takes a route back at once', routes: ['positions.list'] },
    act: ({ operator }) => operator.rollBack('positions.list', 'rehearsal: a rollback by hand'),
    ...{ until: forcedBy('ops'), limitMs: QUICK_MS },
  },
  {
    ...{ phase: FAULTS, what: 'and lets it go on', routes: ['positions.list'] },
    act: ({ operator }) => operator.lift('positions.list', 'rehearsal: nothing was wrong'),
    ...{ until: at('live'), limitMs: QUICK_MS },
  },
  {
    ...{ phase: STREAMING, what: 'streams are open on legacy', routes: STREAMS },
    ...{ until: streamsOn('legacy'), limitMs: QUICK_MS },
  },
  {
    ...{ phase: STREAMING, what: 'WebSockets and event streams move: all of them end up on new', routes: STREAMS },
    ...{
      act: moveAll([...STREAMS, ...QUIET_STREAMS], 'live'),
      until: all(at('live'), streamsOn('new')),
      limitMs: 60_000,
    },
  },
  {
    ...{
      phase: END,
      what: 'with new serving, legacy still agrees: going back is proven until now',
      routes: [TICKER, ...READS],
    },
    ...{ until: passes('parity'), limitMs: PLAN_MS },
  },
  {
    ...{ phase: END, what: 'every route is completed: nothing is copied to legacy any more', routes: ALL },
    async act(world) {
      for (const id of PLANNED) await world.operator.plan(id, 'promote', 'rehearsal: nobody wants to go back');
      await moveAll(BY_HAND, 'complete')(world);
      await world.jobs.end();
    },
    ...{ until: all(at('complete')), limitMs: 30_000 },
  },
  {
    ...{ phase: END, what: 'legacy is switched off, and the users notice nothing', routes: ALL },
    async act(world) {
      await world.quietOnLegacy();
      await world.stopLegacy();
      await world.moreRequests();
    },
    ...{ until: at('complete'), limitMs: QUICK_MS },
  },
];
