// Pump on the chain, from end to end: Geyser's updates, what they say, who is told, and how far it has been read.
import { type Bus, channels, type Newsroom, type OnceNewsroom } from '../bus/bus.ts';
import type { Decimal } from '../domain/money.ts';
import type { Holding } from '../lease/lease.ts';
import type { Metrics } from '../metrics.ts';
import { createGeyser, type Filters, type SlotGap } from './geyser/geyser.ts';
import { createInbox } from './geyser/inbox.ts';
import type { Update } from './geyser/schema.ts';
import type { Endpoint } from './geyser/session.ts';
import { callsOf } from './migration-detector/calls.ts';
import { tellMigration } from './migration-detector/detector.ts';
import type { LookupTables } from './migration-detector/lookup-tables.ts';
import { pumpEventsOf } from './migration-detector/pump-events.ts';
import { PUMP } from './migration-detector/pump-program.ts';
import { CATEGORIES } from './pulse/categories.ts';
import type { Keeping, Reached } from './pulse/keeping.ts';
import { createPulse, PUBLISH_EVERY_MS, type Pulse } from './pulse/pulse.ts';
import { createWanted } from './pulse/wanted.ts';

const SAVE_EVERY_MS = 1000;
/** Whoever begins to listen to one token hears of its changes this much later at most. */
const LOOK_EVERY_MS = 1000;

/** What Pump does, and the slots as they are confirmed. Yellowstone counts addresses from lookup tables too. */
const FILTERS: Filters = {
  slots: [{ key: 'slots', value: { filterByCommitment: true, interslotUpdates: false } }],
  transactions: [
    {
      key: 'pump',
      value: {
        vote: false,
        failed: false,
        accountInclude: [PUMP],
        accountExclude: [],
        accountRequired: [],
        signature: undefined,
      },
    },
  ],
};

export type PumpFeedDeps = {
  /** At least one. */
  readonly endpoints: readonly Endpoint[];
  readonly bus: Newsroom & OnceNewsroom;
  readonly keeping: Keeping;
  readonly listened: Bus['listened'];
  /** Undefined: addresses that the server does not tell stay unknown. */
  readonly lookupTables: LookupTables | undefined;
  readonly solPrice: () => Decimal | undefined;
  readonly metrics: Pick<
    Metrics,
    | 'geyserUp'
    | 'geyserSlot'
    | 'geyserLag'
    | 'geyserEnded'
    | 'geyserGaps'
    | 'pumpEvents'
    | 'pulseTokens'
    | 'pulseForgotten'
  >;
  readonly log: { readonly warn: (fields: object, text: string) => void };
  readonly raised: (operation: string, error: unknown) => void;
  readonly now: () => number;
};

/** Handles one update: whatever Pump did in it is told. Rejects when that could not be told. */
function createHandler(deps: PumpFeedDeps, pulse: Pulse) {
  const { bus, metrics, lookupTables, raised } = deps;
  async function callsIn(transaction: NonNullable<Update['transaction']>) {
    try {
      return await callsOf(transaction, lookupTables);
    } catch (error) {
      raised('geyser.lookup', error); // Waiting for whoever knows the tables would hold up everything else.
      return { kind: 'unresolved' as const };
    }
  }
  return async function handle({ transaction }: Update): Promise<void> {
    if (!transaction) return;
    const found = await callsIn(transaction);
    if (found.kind === 'unresolved') metrics.pumpEvents.inc({ kind: 'unresolved' });
    if (found.kind !== 'calls') return;
    const { events, unread } = pumpEventsOf(found.calls);
    if (unread > 0) metrics.pumpEvents.inc({ kind: 'unread' }, unread);
    for (const event of events) {
      await tellMigration(bus, event, found);
      await pulse.take(event, found);
      metrics.pumpEvents.inc({ kind: event.kind });
    }
  };
}

/** Whoever relies on having heard of everything must know of what nobody can tell any more. */
function tellGap(bus: Newsroom, { fromSlot, toSlot }: SlotGap): void {
  const data = { from_slot: Number(fromSlot), to_slot: toSlot === undefined ? null : Number(toSlot) };
  for (const channel of [channels.migrations, ...CATEGORIES.map(channels.pulse)])
    bus.tell(channel, 'slots_missed', data);
}

function createSubscription(deps: PumpFeedDeps, reached: Reached | undefined, onUpdate: (update: Update) => void) {
  const { metrics, log, bus, now } = deps;
  return createGeyser({
    endpoints: deps.endpoints,
    filters: FILTERS,
    commitment: 'confirmed', // What is only processed may be undone: a migration that is told of must have happened.
    reached,
    hooks: {
      onUpdate(update) {
        const { createdAt, slot } = update;
        if (createdAt) metrics.geyserLag.set(now() / 1000 - Number(createdAt.seconds) - createdAt.nanos / 1e9);
        if (slot) metrics.geyserSlot.set(Number(slot.slot));
        onUpdate(update);
      },
      onUp: () => metrics.geyserUp.set(1),
      onDown(url, { kind, detail }) {
        metrics.geyserUp.set(0);
        metrics.geyserEnded.inc({ kind });
        log.warn({ endpoint: new URL(url).host, kind, detail }, 'the Geyser stream has ended; it is opened anew');
      },
      onGap(gap) {
        metrics.geyserGaps.inc();
        log.warn({ fromSlot: String(gap.fromSlot), toSlot: String(gap.toSlot ?? '?') }, 'slots were missed for good');
        tellGap(bus, gap);
      },
    },
  });
}

/** Begins where the last one, here or elsewhere, had come to. Rejects when nobody can say where that is. */
export async function startPumpFeed(deps: PumpFeedDeps): Promise<Holding> {
  const { keeping, metrics, raised } = deps;
  const kept = await keeping.load();
  const wanted = createWanted(deps.listened, raised);
  await wanted.look();
  const onForgotten = () => metrics.pulseForgotten.inc();
  const pulse = createPulse({ ...deps, known: kept.tokens, onForgotten, isWanted: wanted.has });
  const handle = createHandler(deps, pulse);
  let handledSlot = kept.reached?.slot;
  const inbox = createInbox<Update>({
    async handle(update) {
      await handle(update);
      const slot = (update.slot ?? update.transaction)?.slot;
      if (slot !== undefined && (handledSlot === undefined || slot > handledSlot)) handledSlot = slot;
    },
    onFull: () => geyser.pause(),
    onRoom: () => geyser.resume(),
    raised,
  });
  const geyser = createSubscription(deps, kept.reached, inbox.put);
  let saving: Promise<void> | undefined;

  async function save(): Promise<void> {
    const beginning = geyser.beginning();
    if (handledSlot === undefined || beginning === undefined) return;
    const changes = pulse.changes();
    try {
      await keeping.save({ slot: handledSlot, beginning }, changes);
      pulse.saved(changes);
    } catch (error) {
      raised('pulse.save', error);
    }
  }
  const publishing = setInterval(pulse.publish, PUBLISH_EVERY_MS);
  const looking = setInterval(() => void wanted.look(), LOOK_EVERY_MS);
  const keepingOn = setInterval(() => {
    metrics.pulseTokens.set(pulse.size());
    saving ??= save().finally(() => {
      saving = undefined;
    });
  }, SAVE_EVERY_MS);

  return {
    async close() {
      clearInterval(publishing);
      clearInterval(looking);
      clearInterval(keepingOn);
      await geyser.close();
      await inbox.close();
      pulse.publish();
      await saving;
      await save();
    },
  };
}
