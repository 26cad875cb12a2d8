import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clientOrderIdOf, createOrderIds, orderIdTimeMs, parseOrderId } from '../../../backend/domain/ids.ts';

const NOW_MS = Date.parse('2026-01-05T10:00:00.123Z');

test('a new id: a lower-case UUID of version 7 that carries the time', () => {
  const id = createOrderIds({ now: () => NOW_MS })();
  assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  assert.equal(orderIdTimeMs(id), NOW_MS);
  assert.equal(parseOrderId(id), id);
});

test('clock stands still or steps back, then ids still strictly increase', () => {
  let clockMs = NOW_MS;
  const next = createOrderIds({ now: () => clockMs });
  const ids = Array.from({ length: 10_000 }, (_, i) => {
    if (i === 5000) clockMs -= 60_000;
    return next();
  });
  assert.deepEqual(ids.toSorted(), ids);
  assert.equal(new Set(ids).size, ids.length);
});

test('the client order id is the id without dashes, 32 characters as the exchange allows', () => {
  const id = parseOrderId('01a1f8dc-85de-7000-b192-78c94fb57645');
  assert.ok(id);
  assert.equal(clientOrderIdOf(id), '01a1f8dc85de7000b19278c94fb57645');
});

test('text that is no lower-case UUID is no order id', () => {
  for (const text of ['', 'nope', '01A1F8DC-85DE-7000-B192-78C94FB57645', '01a1f8dc85de7000b19278c94fb57645', '#']) {
    assert.equal(parseOrderId(text), undefined, text);
  }
});
