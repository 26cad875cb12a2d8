import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Bus } from '../../../backend/bus/bus.ts';
import { channels } from '../../../backend/bus/bus.ts';
import { createMemoryBus } from '../../../backend/bus/memory.ts';
import { decimalOf } from '../../../backend/domain/money.ts';
import type { Holding } from '../../../backend/lease/lease.ts';
import { createMetrics } from '../../../backend/metrics.ts';
import { createMemoryKeeping } from '../../../backend/solana/pulse/keeping.ts';
import { startPumpFeed } from '../../../backend/solana/pump-feed.ts';
import { closingAfterEach } from '../../helpers/closing.ts';
import { eventually } from '../../helpers/deadline.ts';
import { createPumpChain } from '../../sandbox/geyser/pump-chain.ts';
import { type GeyserServerOptions, startGeyserServer } from '../../sandbox/geyser/server.ts';

const keep = closingAfterEach();
const FIRST = 1000n;
const { chain, token } = createPumpChain({ seed: 1, firstSlot: FIRST, secondsOf: (slot) => 1_790_000_000n + slot });
/** Two graduates (0 and 3) have migrated, and so many have been launched. */
const LAST = FIRST + 70n;
const LAUNCHED = 12;

async function world(options: Partial<GeyserServerOptions> = {}) {
  const server = await keep(startGeyserServer({ chain, firstSlot: FIRST, storedSlots: 1000, ...options }));
  const raised: string[] = [];
  const bus = await keep(createMemoryBus({ onDrop() {}, raised: (operation) => void raised.push(operation) }));
  const keeping = createMemoryKeeping();
  const metrics = createMetrics();
  const start = (over: { bus?: Bus } = {}): Promise<Holding> =>
    keep(
      startPumpFeed({
        endpoints: [{ url: server.url, token: undefined }],
        bus,
        listened: bus.listened,
        keeping,
        lookupTables: undefined,
        solPrice: () => decimalOf('200'),
        metrics,
        log: { warn() {} },
        raised: (operation) => void raised.push(operation),
        now: Date.now,
        ...over,
      }),
    );
  const connected = () => eventually(() => server.streams() === 1, 'the subscription');
  const told = async (channel: string) => (await bus.recent(channel)).map(({ text }) => JSON.parse(text));
  const toldMints = async (channel: string) => (await told(channel)).map(({ data }) => data.token_address);
  return { server, bus, raised, keeping, metrics, start, connected, told, toldMints };
}
const migratedAll = (toldMints: (channel: string) => Promise<string[]>) =>
  eventually(
    async () => (await toldMints(channels.pulse('new_pairs'))).length >= LAUNCHED,
    'both migrations and the last launch',
  );
const mintsOf = (numbers: readonly number[]) => numbers.map((number) => token(BigInt(number)).mint);

describe('Pump from the chain to the channels', () => {
  test('each token is told of once in each category that it comes into, with what is known of it', async () => {
    const { server, start, connected, told, toldMints } = await world();
    await start();
    await connected();
    server.produce(LAST);
    await migratedAll(toldMints);
    assert.deepEqual(
      await toldMints(channels.pulse('new_pairs')),
      mintsOf(Array.from({ length: LAUNCHED }, (_, number) => number)),
    );
    assert.deepEqual(await toldMints(channels.pulse('final_stretch')), mintsOf([0, 3]));
    assert.deepEqual(await toldMints(channels.pulse('migrated')), mintsOf([0, 3]));
    const [first] = await told(channels.pulse('final_stretch'));
    const { signature, bonding_curve, ...data } = first.data;
    assert.deepEqual(data, {
      token_address: token(0n).mint,
      token_symbol: 'BANYAN0',
      token_name: 'Banyan 0',
      category: 'final_stretch',
      timestamp: (1_790_000_000 + 1036) * 1000,
      slot: 1036,
      bonding_curve_progress: '0.9',
      raydium_pool_address: null,
      market_cap_sol: '249.473339032',
      market_cap_usd: '49894.6678064',
    });
  });

  test('a sold-out curve and its migration are two events, each once; what failed or came again is none', async () => {
    const { server, start, connected, told, toldMints } = await world();
    await start();
    await connected();
    server.produce(LAST);
    await migratedAll(toldMints);
    assert.deepEqual(
      (await told(channels.migrations)).map(({ type, data }) => [
        type,
        data.token_address,
        data.slot,
        data.instruction,
      ]),
      [
        ['curve_completed', token(0n).mint, 1040, undefined],
        ['migration', token(0n).mint, 1044, 'migrate'],
        ['curve_completed', token(3n).mint, 1058, undefined],
        ['migration', token(3n).mint, 1062, 'migrate_v2'],
      ],
    );
    const [, migration] = await told(channels.migrations);
    assert.equal(migration.data.pool_address, token(0n).pool);
  });

  test('cut off again and again, and slots left out before: nothing is missing, nothing is told twice', async () => {
    const { server, start, connected, told, toldMints, metrics } = await world();
    await start();
    for (let slot = FIRST; slot <= LAST; slot += 25n) {
      await connected();
      server.produce(slot);
      server.muted = true;
      server.produce(slot + 9n);
      server.muted = false;
      server.cut();
    }
    await connected();
    server.produce(LAST);
    await migratedAll(toldMints);
    assert.equal((await told(channels.pulse('new_pairs'))).length, LAUNCHED);
    assert.equal((await told(channels.migrations)).length, 4);
    assert.equal((await metrics.geyserGaps.get()).values[0]?.value, 0);
  });

  test('started over, it goes on where it was: what happened meanwhile is told, what was told is not', async () => {
    const { server, start, connected, told, toldMints, keeping } = await world();
    const first = await start();
    await connected();
    server.produce(FIRST + 41n);
    await eventually(async () => (await told(channels.migrations)).length === 1, 'the sold-out curve');
    await first.close();
    assert.equal((await keeping.find(token(0n).mint))?.symbol, 'BANYAN0');
    server.produce(LAST);
    await start();
    await migratedAll(toldMints);
    assert.equal((await told(channels.pulse('new_pairs'))).length, LAUNCHED);
    assert.equal((await told(channels.migrations)).length, 4);
    assert.equal((await told(channels.pulse('migrated')))[0].data.token_symbol, 'BANYAN0');
  });

  test('started over soon after it began: nothing is told of from before it began', async () => {
    const { server, start, connected, told, toldMints } = await world();
    server.produce(FIRST + 19n);
    const first = await start();
    await connected();
    server.produce(FIRST + 30n);
    await eventually(async () => (await toldMints(channels.pulse('new_pairs'))).length === 2, 'launches 4 and 5');
    await first.close();
    server.produce(LAST);
    await start();
    await eventually(
      async () => (await toldMints(channels.pulse('new_pairs'))).length >= LAUNCHED - 4,
      'the last launch',
    );
    assert.deepEqual(await toldMints(channels.pulse('new_pairs')), mintsOf([4, 5, 6, 7, 8, 9, 10, 11]));
    assert.equal((await told(channels.pulse('new_pairs'))).at(0).data.slot, 1024);
  });

  test('killed before anything was kept, then two at once: still each once', async () => {
    const { server, start, connected, told, toldMints } = await world();
    await start();
    await connected();
    await start();
    await eventually(() => server.streams() === 2, 'both subscriptions');
    server.produce(LAST);
    await migratedAll(toldMints);
    assert.equal((await told(channels.pulse('new_pairs'))).length, LAUNCHED);
    assert.equal((await told(channels.migrations)).length, 4);
  });

  test('what cannot be told is tried again until it can, and then comes in its order', async () => {
    const { server, bus, raised, start, connected, toldMints } = await world();
    let isAway = true;
    const tellOnce: Bus['tellOnce'] = async (...told) => {
      if (isAway) throw new Error('no Redis');
      return bus.tellOnce(...told);
    };
    await start({ bus: { ...bus, tellOnce } });
    await connected();
    server.produce(LAST);
    await eventually(() => raised.includes('geyser.handle'), 'a failure');
    isAway = false;
    await migratedAll(toldMints);
    assert.deepEqual(
      await toldMints(channels.pulse('new_pairs')),
      mintsOf(Array.from({ length: LAUNCHED }, (_, number) => number)),
    );
  });

  test('slots that nobody keeps any more: everyone who follows is told which', async () => {
    const { server, start, connected, told, keeping } = await world({ storedSlots: 10 });
    await keeping.save({ slot: FIRST + 50n, beginning: FIRST }, { changed: [], forgotten: [] });
    server.produce(FIRST + 200n);
    await start();
    await connected();
    for (const channel of [channels.migrations, channels.pulse('new_pairs')]) {
      const [missed] = await told(channel);
      assert.deepEqual([missed.type, missed.data], ['slots_missed', { from_slot: 1018, to_slot: 1190 }]);
    }
  });

  test('one token listened to, then its changes are told on its channel, and no other’s', async () => {
    const { server, bus, start, connected, told } = await world();
    const own = channels.tokenInfo(token(0n).mint);
    const leave = await bus.subscribe(own, () => {});
    await start();
    await connected();
    for (const count of [1, 2]) {
      server.produce(FIRST + BigInt(count) * 10n);
      await eventually(async () => (await told(own)).length === count, `change ${count} of the token`);
    }
    const [first, second] = await told(own);
    assert.deepEqual([first.type, first.data.token_address], ['token_info', token(0n).mint]);
    assert.deepEqual(
      [first, second].map(({ data }) => data.bonding_curve_progress),
      ['0.25', '0.5'],
    );
    assert.deepEqual(await told(channels.tokenInfo(token(1n).mint)), []);
    await leave();
    assert.deepEqual(await bus.listened('token_info:'), []);
  });

  test('changes within a category are told conflated, the last with what the token is then', async () => {
    const { server, start, connected, told } = await world();
    await start();
    await connected();
    server.produce(FIRST + 30n);
    const changes = await eventually(async () => {
      const news = await told(channels.pulseUpdates('new_pairs'));
      return news.length >= 6 && news;
    }, 'changes');
    const own = changes.filter(({ data }) => data.token_address === token(0n).mint);
    assert.equal(own.at(-1).data.bonding_curve_progress, '0.75');
    assert.ok(own.length <= 2, `${own.length} changes`);
  });
});
