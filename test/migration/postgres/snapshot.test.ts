// Visibility and transaction ids, at their edges.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatLsn, parseLsn } from '../../../migration/postgres/lsn.ts';
import { parseSnapshot, sees, widenXid } from '../../../migration/postgres/snapshot.ts';

test('a snapshot sees what ended before it, and nothing that ran or came later', () => {
  const snapshot = parseSnapshot('10:20:10,15');
  const seen = [9n, 10n, 11n, 14n, 15n, 16n, 19n, 20n, 21n].filter((xid) => sees(snapshot, xid));
  assert.deepEqual(seen, [9n, 11n, 14n, 16n, 19n]);
  assert.equal(sees(parseSnapshot('20:20:'), 19n), true);
  assert.throws(() => parseSnapshot('20'), /not a snapshot/);
});

test('32 bits of an id that is within 2^31 of another are the whole id again', () => {
  const reference = fc.bigInt({ min: 3n, max: 1n << 60n });
  const distance = fc.bigInt({ min: -(1n << 31n) + 1n, max: (1n << 31n) - 1n });
  fc.assert(
    fc.property(reference, distance, (at, by) => {
      fc.pre(at + by >= 3n);
      assert.equal(widenXid(Number((at + by) & 0xffffffffn), at), at + by);
    }),
  );
});

test('a log position is the same after it was written and read', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), (lsn) => assert.equal(parseLsn(formatLsn(lsn)), lsn)),
  );
  assert.equal(formatLsn(parseLsn('0/19060610')), '0/19060610');
  assert.throws(() => parseLsn('19060610'), /not a log position/);
});
