import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Delta, Snapshot } from '../../../backend/exchange/market-feed.ts';
import { type BookSync, createBookSync } from '../../../backend/market/book-sync.ts';

type Change = { readonly side: 'bids' | 'asks'; readonly price: string; readonly quantity: string };
type Fault = 'none' | 'lost' | 'twice' | 'late';

/** The exchange's book, kept in the simplest way: every change has a version, deltas span some of them. */
function exchange() {
  const book = { bids: new Map<string, string>(), asks: new Map<string, string>() };
  let version = 43_296_363_000;
  return {
    change(changes: readonly Change[]): Delta {
      const delta = { bids: new Map<string, string>(), asks: new Map<string, string>() };
      const from = version + 1;
      for (const { side, price, quantity } of changes) {
        version += 1;
        if (quantity === '0') book[side].delete(price);
        else book[side].set(price, quantity);
        delta[side].set(price, quantity);
      }
      return { from, to: version, bids: levelsOf(delta.bids), asks: levelsOf(delta.asks) };
    },
    snapshot: (): Snapshot => ({ version, bids: sorted(book.bids, -1), asks: sorted(book.asks, 1) }),
  };
}
const levelsOf = (side: ReadonlyMap<string, string>) => [...side].map(([price, quantity]) => ({ price, quantity }));
const sorted = (side: ReadonlyMap<string, string>, sign: number) =>
  levelsOf(side).sort((a, b) => sign * (Number(a.price) - Number(b.price)));

const change = fc.record({
  side: fc.constantFrom('bids' as const, 'asks' as const),
  price: fc.integer({ min: 1, max: 60 }).map((n) => (n % 3 === 0 ? String(n) : n % 3 === 1 ? `${n}.5` : `${n}.125`)),
  quantity: fc.constantFrom('0', '1', '2.5', '0.00000001', '1000000000000.12345678'),
});
const step = fc.record({
  changes: fc.array(change, { minLength: 1, maxLength: 4 }),
  fault: fc.constantFrom<Fault[]>('none', 'none', 'none', 'none', 'lost', 'twice', 'late'),
  /** A snapshot that was asked for arrives after this step, with this many steps of age. */
  snapshotAgeSteps: fc.option(fc.integer({ min: 0, max: 4 }), { freq: 3 }),
  isCut: fc.nat(30).map((n) => n === 0),
});

function assertEqualBooks(sync: BookSync, expected: Snapshot) {
  assert.equal(sync.version(), expected.version);
  assert.deepEqual(sync.book.levels(1000), { bids: expected.bids, asks: expected.asks });
}

describe('a book that follows the exchange', () => {
  test('any deltas, some lost, doubled, out of order, and snapshots of any age: while live it is the book of its version, and at the end the exchange’s own', () => {
    let [liveSteps, resyncs] = [0, 0];
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const theirs = exchange();
        const snapshots = [theirs.snapshot()];
        const byVersion = new Map<number, Snapshot>();
        const sync = createBookSync();
        sync.up();
        let late: Delta | undefined;
        const give = (delta: Delta) => {
          if (sync.delta(delta) === 'resync') resyncs += 1;
        };
        for (const { changes, fault, snapshotAgeSteps, isCut } of steps) {
          const delta = theirs.change(changes);
          snapshots.push(theirs.snapshot());
          byVersion.set(delta.to, theirs.snapshot());
          if (isCut) {
            sync.down();
            sync.up();
          }
          if (fault === 'late' && !late) late = delta;
          else if (fault !== 'lost') {
            give(delta);
            if (fault === 'twice') give(delta);
            if (late) give(late);
            late = undefined;
          }
          const snapshot = snapshotAgeSteps === null ? undefined : snapshots.at(-1 - snapshotAgeSteps);
          if (snapshot) sync.snapshot(snapshot);
          if (sync.state() === 'live') {
            liveSteps += 1;
            // Between two deltas a snapshot's version may be one that no delta ended with.
            const expected =
              byVersion.get(sync.version()) ?? snapshots.find(({ version }) => version === sync.version());
            assert.ok(expected, 'a version that the exchange had');
            assertEqualBooks(sync, expected);
          }
        }
        if (sync.state() !== 'live') assert.equal(sync.snapshot(theirs.snapshot()), 'applied');
        give(theirs.change([{ side: 'bids', price: '1', quantity: '7' }]));
        if (sync.state() !== 'live') sync.snapshot(theirs.snapshot());
        assertEqualBooks(sync, theirs.snapshot());
      }),
      { numRuns: Number(process.env.BOOK_RUNS ?? 300) },
    );
    assert.ok(liveSteps > 500 && resyncs > 50, `${liveSteps} live steps, ${resyncs} resyncs`);
  });

  const level = (price: string, quantity: string) => ({ price, quantity });
  function live(version = 10): BookSync {
    const sync = createBookSync();
    sync.up();
    assert.equal(sync.snapshot({ version, bids: [level('9', '1')], asks: [level('11', '2')] }), 'applied');
    return sync;
  }

  test('a snapshot that is older than what waits, then another is needed; one that joins on exactly is good', () => {
    const sync = createBookSync();
    sync.up();
    sync.delta({ from: 20, to: 22, bids: [level('8', '1')], asks: [] });
    assert.equal(sync.snapshot({ version: 18, bids: [], asks: [] }), 'resync');
    assert.equal(sync.state(), 'waiting');
    assert.equal(sync.snapshot({ version: 19, bids: [], asks: [] }), 'applied');
    assert.deepEqual([sync.version(), sync.book.levels(9).bids], [22, [level('8', '1')]]);
  });

  test('what was told before is ignored; what straddles our version is applied; what leaves a hole starts over', () => {
    const sync = live(10);
    assert.equal(sync.delta({ from: 9, to: 10, bids: [level('9', '5')], asks: [] }), 'ignored');
    assert.equal(sync.delta({ from: 9, to: 12, bids: [level('9', '6')], asks: [] }), 'applied');
    assert.deepEqual([sync.version(), sync.book.levels(1).bids], [12, [level('9', '6')]]);
    assert.equal(sync.delta({ from: 14, to: 15, bids: [], asks: [] }), 'resync');
    assert.deepEqual([sync.state(), sync.version()], ['waiting', 0]);
  });

  test('versions or levels that are none, then it starts over instead of guessing', () => {
    for (const bad of [
      level('nine', '1'),
      level('9', '-1'),
      level('9', '1e3'),
      level('', '1'),
      level('0', '1'),
      level('1.2.3', '1'),
    ]) {
      assert.equal(live().delta({ from: 11, to: 11, bids: [bad], asks: [] }), 'resync', JSON.stringify(bad));
    }
    assert.equal(live().delta({ from: Number.NaN, to: 12, bids: [], asks: [] }), 'resync');
    assert.equal(live().delta({ from: 12, to: 11, bids: [], asks: [] }), 'resync');
    const huge = { from: 11, to: 11, bids: [level('90071992547409.91', '1'), level('0.0000001', '1')], asks: [] };
    assert.equal(live().delta(huge), 'resync', 'prices that no scale holds exactly');
  });

  test('more levels than are kept, then the best stay, and when those are eaten a snapshot is needed', () => {
    const sync = live();
    const asks = Array.from({ length: 7000 }, (_, i) => level(String(100 + i), '1'));
    assert.equal(sync.delta({ from: 11, to: 11, bids: [], asks }), 'applied');
    assert.equal(sync.book.levels(10_000).asks.length, 5000);
    assert.equal(sync.book.levels(1).asks[0]?.price, '11');
    const eaten = asks.slice(0, 4500).map(({ price }) => level(price, '0'));
    assert.equal(sync.delta({ from: 12, to: 12, bids: [], asks: eaten }), 'resync');
  });
});
