import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { status } from '@grpc/grpc-js';
import {
  createGeyser,
  type GeyserOptions,
  REREAD_SLOTS,
  type SlotGap,
} from '../../../../backend/solana/geyser/geyser.ts';
import { closingAfterEach } from '../../../helpers/closing.ts';
import { eventually } from '../../../helpers/deadline.ts';
import { type GeyserServerOptions, startGeyserServer } from '../../../sandbox/geyser/server.ts';
import { transactionOf } from '../../../sandbox/geyser/transactions.ts';

const keep = closingAfterEach();
const PUMP = '6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P';
const FIRST = 1000n;
const filters = {
  slots: [{ key: 'slots', value: { filterByCommitment: true, interslotUpdates: undefined } }],
};

/** One transaction in each slot, which bears its number. */
function chain(slot: bigint) {
  const signature = new Uint8Array(64);
  new DataView(signature.buffer).setBigUint64(0, slot);
  return [transactionOf(signature, [{ program: new Uint8Array(32), accounts: [], data: new Uint8Array() }])];
}

const server = (options: Partial<GeyserServerOptions> = {}) =>
  keep(startGeyserServer({ chain, firstSlot: FIRST, storedSlots: 500, pingMs: 50, ...options }));

async function follow(
  urls: readonly string[],
  { token, reached }: { token?: string; reached?: GeyserOptions['reached'] } = {},
) {
  const slots: bigint[] = [];
  const downs: string[] = [];
  const gaps: SlotGap[] = [];
  const ups: string[] = [];
  const geyser = await keep(
    createGeyser({
      endpoints: urls.map((url) => ({ url, token })),
      filters,
      commitment: 'confirmed',
      reached,
      hooks: {
        onUpdate: ({ slot }) => void (slot && slots.push(slot.slot)),
        onUp: (url) => void ups.push(url),
        onDown: (_, { kind, detail }) => void downs.push(`${kind} ${detail}`),
        onGap: (gap) => void gaps.push(gap),
      },
    }),
  );
  return { geyser, slots, downs, gaps, ups };
}
const numbers = (from: bigint, to: bigint) => Array.from({ length: Number(to - from) + 1 }, (_, i) => from + BigInt(i));
const heard = (slots: readonly bigint[], slot: bigint) => eventually(() => slots.at(-1) === slot, `slot ${slot}`);

describe('a Geyser subscription', () => {
  test('from now on: each slot once and in order, and pings are answered without touching the filters', async () => {
    const { url, produce, streams, pongs, requests } = await server();
    const { slots } = await follow([url]);
    await eventually(() => streams() === 1, 'the subscription');
    produce(FIRST + 4n);
    await eventually(() => pongs() >= 2, 'two pings and their answers');
    produce(FIRST + 9n);
    await heard(slots, FIRST + 9n);
    assert.deepEqual(slots, numbers(FIRST, FIRST + 9n));
    assert.equal(requests.length, 1);
    assert.equal(requests[0]?.commitment, 1);
  });

  for (const [name, code, details] of [
    ['the server goes away', status.UNAVAILABLE, 'going away'],
    ['the server says that the client lags', status.INTERNAL, 'lagged to receive geyser messages'],
  ] as const) {
    test(`${name}: it reads on from the slots before, and none is missing`, async () => {
      const { url, produce, streams, cut } = await server();
      const { slots, downs, gaps } = await follow([url]);
      await eventually(() => streams() === 1, 'the subscription');
      produce(FIRST + 99n);
      await heard(slots, FIRST + 99n);
      cut(code, details);
      produce(FIRST + 119n);
      await heard(slots, FIRST + 119n);
      assert.deepEqual(slots, [...numbers(FIRST, FIRST + 99n), ...numbers(FIRST + 99n - REREAD_SLOTS, FIRST + 119n)]);
      assert.deepEqual(downs, [`lost ${status[code]}: ${details}`]);
      assert.deepEqual(gaps, []);
    });
  }

  test('what it was after is not kept any more, then a gap is told and the oldest that is kept is next', async () => {
    const { url, produce } = await server({ storedSlots: 10 });
    produce(FIRST + 200n);
    const { slots, gaps } = await follow([url], { reached: { slot: FIRST + 100n, beginning: FIRST } });
    await heard(slots, FIRST + 200n);
    assert.deepEqual(gaps, [{ fromSlot: FIRST + 100n - REREAD_SLOTS, toSlot: FIRST + 190n }]);
    assert.deepEqual(slots, numbers(FIRST + 191n, FIRST + 200n));
  });

  test('of two endpoints that lack the slot, the one with more of it is read from', async () => {
    const [few, more] = [await server({ storedSlots: 10 }), await server({ storedSlots: 50 })];
    for (const { produce } of [few, more]) produce(FIRST + 200n);
    const { slots, gaps } = await follow([few.url, more.url], { reached: { slot: FIRST + 100n, beginning: FIRST } });
    await heard(slots, FIRST + 200n);
    assert.deepEqual(gaps, [{ fromSlot: FIRST + 100n - REREAD_SLOTS, toSlot: FIRST + 150n }]);
    assert.deepEqual(slots, numbers(FIRST + 151n, FIRST + 200n));
  });

  test('a server that keeps nothing: the gap is told, then what happens from now on', async () => {
    const { url, produce, streams } = await server({ storedSlots: 0 });
    produce(FIRST + 200n);
    const { slots, gaps } = await follow([url], { reached: { slot: FIRST + 100n, beginning: FIRST } });
    await eventually(() => streams() === 1, 'the subscription');
    produce();
    await heard(slots, FIRST + 201n);
    assert.deepEqual(gaps, [{ fromSlot: FIRST + 100n - REREAD_SLOTS, toSlot: undefined }]);
    assert.deepEqual(slots, [FIRST + 201n]);
  });

  test('the first endpoint cannot be reached, then the second serves; when that goes too, it waits for either', async () => {
    const away = await server();
    await away.close();
    const { url, produce, streams, cut } = await server();
    const { slots, ups } = await follow([away.url, url]);
    await eventually(() => streams() === 1, 'the second');
    produce();
    await heard(slots, FIRST);
    cut();
    await eventually(() => streams() === 1, 'the second again');
    assert.deepEqual(ups, [url, url]);
  });

  test('a wrong token is a refusal that does not repeat it', async () => {
    const { url } = await server({ token: 'the-token' });
    const { downs } = await follow([url], { token: 'another-token' });
    await eventually(() => downs.length > 0, 'the refusal');
    assert.equal(downs[0], 'refused UNAUTHENTICATED: No valid auth token');
  });

  test('the right token is taken', async () => {
    const { url, streams } = await server({ token: 'the-token' });
    await follow([url], { token: 'the-token' });
    await eventually(() => streams() === 1, 'the subscription');
  });

  test('paused, then nothing more is read; resumed, then all of it, and nothing is read twice', async () => {
    const { url, produce, streams } = await server();
    const { geyser, slots } = await follow([url]);
    const other = await follow([url]);
    await eventually(() => streams() === 2, 'both subscriptions');
    produce();
    await heard(slots, FIRST);
    geyser.pause();
    produce(FIRST + 500n);
    await heard(other.slots, FIRST + 500n);
    assert.ok(slots.length < 100, `${slots.length} slots were read`);
    geyser.resume();
    await heard(slots, FIRST + 500n);
    assert.deepEqual(slots, numbers(FIRST, FIRST + 500n));
  });

  test('a filter that the server does not take is a refusal in its words', async () => {
    const { url } = await server();
    const value = { accountInclude: [PUMP, 'no key'], accountExclude: [], accountRequired: [] };
    const transactions = [{ key: 'pump', value: { ...value, vote: false, failed: false, signature: undefined } }];
    const downs: string[] = [];
    await keep(
      createGeyser({
        endpoints: [{ url, token: undefined }],
        filters: { transactions },
        commitment: 'confirmed',
        reached: undefined,
        hooks: {
          onUpdate() {},
          onUp() {},
          onGap() {},
          onDown: (_, { kind, detail }) => void downs.push(`${kind} ${detail}`),
        },
      }),
    );
    await eventually(() => downs.length > 0, 'the refusal');
    assert.equal(downs[0], 'refused INVALID_ARGUMENT: failed to create filter: Invalid Base58 string');
  });
});
