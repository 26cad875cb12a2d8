// Flips of all gateways that share the ledger: this one makes its own known, follows those of the others, and says when all
// its processes do.
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import type { Deployments } from './deployments.ts';
import { FLIPS_MAX, type Flip, type FlipAcknowledged, type FlipStore, type FlipsKnown } from './ledger/flip-store.ts';
import { ALL_ROUTES } from './ledger/ledger.ts';
import type { Control } from './rollout/control.ts';
import { type FlipsView, flipsOf, type GatewayView, gatewaysOf } from './rollout/flip-times.ts';
import type { RouteTable } from './routing/route.ts';
import type { Serving } from './serving.ts';

const BEAT_MS = 1_000;
/** While a flip is known that is not followed yet: its flags may be here any moment. */
const HURRY_MS = 100;
/** For so long the end of requests that began on the old side is waited for. */
const OLD_SIDE_MS = 60_000;

export interface Flips {
  /** A flip was made here, called for at this `performance.now()`; answers its version, undefined while the ledger is away. */
  begin(flip: Omit<Flip, 'version' | 'atMs'>, calledAt: number): Promise<number | undefined>;
  view(): FlipsView;
  gateways(): readonly GatewayView[];
  close(): Promise<void>;
}

export interface FlipsDeps {
  readonly store: FlipStore;
  readonly control: Pick<Control, 'followOverrides' | 'routesBehind'>;
  readonly deployments: Pick<Deployments, 'follow'>;
  readonly serving: Pick<Serving, 'settled' | 'traffic' | 'wanted'>;
  readonly table: () => RouteTable;
  readonly now: () => Date;
  /** Called once an outage of the ledger. */
  readonly raised: (operation: string, error: unknown) => void;
}

const NOTHING: FlipsKnown = { nowMs: 0, flips: [], gateways: [] };

/** Resolves when the others know of this gateway, or the ledger is away. */
export async function startFlips(deps: FlipsDeps): Promise<Flips> {
  const { store, control, deployments, serving, table, now, raised } = deps;
  const self = { id: randomUUID(), host: hostname(), pid: process.pid, startedAt: now().toISOString() };
  let known = NOTHING;
  /** The store's clock, less this one's. */
  let offsetMs = 0;
  /** Flips up to this one were made before; undefined until the ledger was read. */
  let from: number | undefined;
  let acknowledged: readonly FlipAcknowledged[] = []; // FLIPS_MAX at most.

  const storeMs = () => now().getTime() + offsetMs;

  async function beat(): Promise<void> {
    const askedMs = now().getTime();
    known = await store.beat({ ...self, workers: serving.wanted, from: from ?? 0, acknowledged });
    offsetMs = known.nowMs - (askedMs + now().getTime()) / 2;
    if (from !== undefined) return;
    from = known.flips[0]?.version ?? 0;
    await beat(); // Said to all, so that nobody waits for what was before.
  }

  /** Answers whether all flips are followed. */
  async function follow(): Promise<boolean> {
    await beat();
    const start = from ?? 0;
    const isNew = ({ version }: Flip) => version > start && acknowledged.every((each) => each.version !== version);
    const waiting = known.flips.filter(isNew);
    acknowledged = acknowledged.map((each) => withOldSide(each));
    if (waiting.length === 0) return true;
    // What was stored before a flip became known is read now, and so in force after this.
    await control.followOverrides();
    if (waiting.some(({ action }) => action === 'deploy')) await deployments.follow();
    const behind = await control.routesBehind();
    const followed = waiting.filter(({ action, scope }) => action !== 'stage' || !behind.has(scope));
    await serving.settled();
    const fresh = followed.map(({ version, atMs }) => ({
      ...{ version, oldSideMs: undefined },
      afterMs: Math.max(0, Math.round(storeMs() - atMs)),
    }));
    acknowledged = [...fresh.map((each) => withOldSide(each)), ...acknowledged].slice(0, FLIPS_MAX);
    await beat();
    return followed.length === waiting.length;
  }

  const withOldSide = (answer: FlipAcknowledged): FlipAcknowledged => {
    const flip = known.flips.find(({ version }) => version === answer.version);
    const { oldSide: side } = flip ?? {};
    if (!flip || !side || storeMs() - flip.atMs > OLD_SIDE_MS || isSuperseded(flip, known.flips)) return answer;
    const routes = flip.scope === ALL_ROUTES ? table().routes.map(({ id }) => id) : [flip.scope];
    const lastMs = Math.max(0, ...routes.map((route) => serving.traffic.lastMs(route, side) ?? 0));
    return { ...answer, oldSideMs: Math.max(0, Math.round(lastMs + offsetMs - flip.atMs)) };
  };

  const looks = repeat(follow, raised);
  await looks.now();
  return {
    async begin(flip, calledAt) {
      try {
        const version = await store.begin(flip, performance.now() - calledAt);
        await looks.now();
        return version;
      } catch {
        return undefined; // The ledger is away, and says so itself; who made the flip follows it.
      }
    },
    view: () => flipsOf(known),
    gateways: () => gatewaysOf(known),
    async close() {
      await looks.end();
      await store.leave(self.id).catch(() => {}); // It will be seen to be gone.
    },
  };
}

/** A later flip has moved one of the same routes: its old side may serve again. Pure. */
function isSuperseded(flip: Flip, flips: readonly Flip[]): boolean {
  return flips.some(
    ({ version, scope }) =>
      version > flip.version && (scope === flip.scope || [scope, flip.scope].includes(ALL_ROUTES)),
  );
}

/** Works again and again, sooner where the work says that it is not done, one at a time. */
function repeat(work: () => Promise<boolean>, raised: FlipsDeps['raised']) {
  let isFailing = false;
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;
  let turn: Promise<void> = Promise.resolve();

  async function once(): Promise<void> {
    let isDone = true;
    try {
      isDone = await work();
      isFailing = false;
    } catch (error) {
      if (!isFailing && !isClosed) raised('flips', error);
      isFailing = true;
    }
    clearTimeout(timer);
    if (!isClosed) timer = setTimeout(() => void now(), isDone ? BEAT_MS : HURRY_MS).unref();
  }

  /** Once more, after what is under way. Never rejects. */
  function now(): Promise<void> {
    clearTimeout(timer);
    turn = turn.then(once);
    return turn;
  }

  return {
    now,
    async end() {
      isClosed = true;
      clearTimeout(timer);
      await turn;
    },
  };
}
