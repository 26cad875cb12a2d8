import assert from 'node:assert/strict';
import { test } from 'node:test';
import { feesOf, isOutsideWindow, orderOf, pauseAfter, refusal } from '../../../backend/exchange/mexc-answers.ts';

test('each kind of error answer, then what it means', () => {
  const cases: readonly (readonly [status: number, body: unknown, meaning: string])[] = [
    [400, { code: 10007, msg: 'bad symbol' }, 'rejected unknown_symbol'],
    [400, { code: 30002, msg: 'too small' }, 'rejected invalid_order'],
    [400, { code: 30004, msg: 'Insufficient position' }, 'rejected insufficient_balance'],
    [400, { code: '30004', msg: null }, 'rejected insufficient_balance'],
    [400, { code: 700002, msg: 'signature' }, 'rejected unauthorised'],
    [400, { code: 10007, msg: 'symbol not support api' }, 'rejected not_tradable'],
    [400, { code: 30016, msg: 'trading disabled' }, 'rejected not_tradable'],
    [400, { code: 30029, msg: 'too many open' }, 'rejected account_limit'],
    [400, { code: 10072, msg: 'invalid access key' }, 'rejected unauthorised'],
    [400, { code: 26, msg: 'operation not allowed' }, 'rejected refused'],
    [403, '<html>Access Denied</html>', 'rejected refused'],
    [429, undefined, 'rejected rate_limited'],
    [418, { code: 429, msg: 'banned' }, 'rejected rate_limited'],
    [400, { code: -2011, msg: 'Unknown order sent' }, 'not_found'],
    [404, { code: -2013, msg: 'no' }, 'not_found'],
    [400, { code: 500, msg: 'Internal error' }, 'unknown'],
    [400, { code: 20002, msg: 'Internal system error' }, 'unknown'],
    [500, { code: 10007, msg: 'bad symbol' }, 'unknown'],
    [503, undefined, 'unknown'],
    [302, undefined, 'unknown'],
  ];
  for (const [status, body, meaning] of cases) {
    const result = refusal({ status, body });
    const said = result.kind === 'rejected' ? `rejected ${result.reason}` : result.kind;
    assert.equal(said, meaning, `${status} ${JSON.stringify(body)}`);
  }
});

test('order states as the exchange writes them, then ours; a word it never used, then none', () => {
  const body = { orderId: 123, executedQty: '0.50', cummulativeQuoteQty: '1E+2' };
  const states = ['NEW', 'PARTIALLY_FILLED', 'FILLED', 'CANCELED', 'PARTIALLY_CANCELED', 'REJECTED'];
  assert.deepEqual(
    states.map((status) => orderOf({ ...body, status })?.status),
    ['open', 'partially_filled', 'filled', 'cancelled', 'cancelled', undefined],
  );
  assert.deepEqual(orderOf({ ...body, status: 'FILLED' }), {
    exchangeOrderId: '123',
    status: 'filled',
    filledQuantity: '0.5',
    filledQuote: '100',
    fees: null,
  });
  for (const garbage of [undefined, 'text', [], {}, { ...body, status: 'NEW', executedQty: 'NaN' }]) {
    assert.equal(orderOf(garbage), undefined);
  }
});

test('commissions add up exactly, each asset for itself', () => {
  const trade = (commission: string, commissionAsset: string) => ({ commission, commissionAsset });
  const both = [trade('0.1', 'USDT'), trade('0.2', 'MX'), trade('0.2', 'USDT')];
  assert.deepEqual(feesOf(both), { USDT: '0.3', MX: '0.2' });
  assert.deepEqual(feesOf([]), {});
  assert.equal(feesOf({ code: 1 }), null);
});

test('what asks for silence, and for how long', () => {
  const forMs = (status: number, code: number | undefined, retryAfterMs?: number) =>
    pauseAfter({ status, body: code === undefined ? undefined : { code }, retryAfterMs })?.forMs;
  assert.equal(forMs(429, 429, 7000), 7000);
  assert.equal(forMs(429, undefined), 10_000, 'the length of the rate window');
  assert.equal(forMs(418, undefined), 120_000, 'the least ban');
  assert.equal(forMs(418, undefined, 10 ** 12), 259_200_000, 'three days are the longest ban');
  assert.equal(forMs(400, 510), 10_000);
  assert.equal(forMs(403, undefined), 10_000, 'the firewall');
  assert.equal(forMs(403, 700007), undefined, 'a permission');
  assert.equal(forMs(400, 30004), undefined);
  assert.equal(forMs(503, undefined), undefined);
});

test('codes that say our clock is off', () => {
  const isLate = (status: number, code: number) => isOutsideWindow({ status, body: { code } });
  assert.deepEqual(
    [700003, 10073, -1021, 700002].map((code) => isLate(400, code)),
    [true, true, true, false],
  );
  assert.equal(isLate(200, 700003), false);
});
