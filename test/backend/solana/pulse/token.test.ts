import assert from 'node:assert/strict';
import { test } from 'node:test';
import { address } from '@solana/kit';
import fc from 'fast-check';
import { decimalOf } from '../../../../backend/domain/money.ts';
import type { PumpEvent } from '../../../../backend/solana/migration-detector/pump-events.ts';
import { CATEGORIES } from '../../../../backend/solana/pulse/categories.ts';
import { type Token, tokenAfter, tokenView } from '../../../../backend/solana/pulse/token.ts';

const mint = address('EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v');
const bondingCurve = address('8Rr2Qo9ch94zRZxojHfg7Xeq8DfAp9mfNaLZnQScnpbA');
const at = (slot: number) => ({ signature: `signature ${slot}`, slot: BigInt(slot) });
const PRODUCT = 1_073_000_000_000_000n * 30_000_000_000n;
const curveAt = (realTokens: bigint) => {
  const virtualTokens = realTokens + 279_900_000_000_000n;
  return { realTokens, virtualTokens, virtualSol: PRODUCT / virtualTokens };
};
const START = 793_100_000_000_000n;
const created: PumpEvent = {
  kind: 'created',
  mint,
  name: 'N',
  symbol: 'S',
  bondingCurve,
  curve: curveAt(START),
  timeMs: 1,
};
const traded = (realTokens: bigint): PumpEvent => ({
  kind: 'traded',
  mint,
  isBuy: true,
  sol: 1n,
  tokens: 1n,
  user: bondingCurve,
  curve: curveAt(realTokens),
  timeMs: 2,
});
const completed: PumpEvent = { kind: 'completed', mint, bondingCurve, timeMs: 3 };
const migrated: PumpEvent = {
  kind: 'migrated',
  by: 'migrate',
  mint,
  bondingCurve,
  pool: mint,
  tokens: 1n,
  sol: 1n,
  timeMs: 4,
};

const after = (...events: readonly PumpEvent[]) =>
  events.reduce<Token | undefined>((token, event, i) => tokenAfter(token, event, at(i)), undefined);

// The published constants of a curve: market cap at its start, and sold out.
for (const [what, realTokens, progress, cap] of [
  ['at its start', START, '0', '27.958993476'],
  ['sold out', 0n, '1', '410.880168117'],
  ['one unit short of the final stretch', 79_310_000_000_001n, '0.8999', undefined],
] as const) {
  test(`a curve ${what}: progress ${progress}${cap ? `, market cap ${cap} SOL` : ''}`, () => {
    const token = after(created, traded(realTokens));
    assert.ok(token);
    const view = tokenView(token, decimalOf('2'));
    assert.equal(view.bonding_curve_progress, progress);
    if (cap) assert.equal(view.market_cap_sol, cap);
  });
}

test('nobody knows what SOL is worth, then there is no market cap in USD', () => {
  const token = after(created);
  assert.ok(token);
  assert.equal(tokenView(token, undefined).market_cap_usd, null);
});

test('new, then on the final stretch from 90 % on, then migrated', () => {
  assert.equal(after(created)?.category, 'new_pairs');
  assert.equal(after(created, traded(START / 10n + 1n))?.category, 'new_pairs');
  assert.equal(after(created, traded(START / 10n))?.category, 'final_stretch');
  assert.equal(after(created, completed)?.category, 'final_stretch');
  assert.equal(after(created, completed, migrated)?.category, 'migrated');
});

test('met by a trade, then it is in no category until it is far', () => {
  assert.equal(after(traded(START))?.category, undefined);
  assert.equal(after(traded(0n))?.category, 'final_stretch');
});

test('an older trade, read again, changes nothing', () => {
  const now = tokenAfter(after(created), traded(5n), at(9));
  assert.equal(tokenAfter(now, traded(START), at(8)), now);
});

test('whatever comes in whatever order, a token never goes back, and what it says of itself stays within bounds', () => {
  const event = fc.oneof(
    fc.constantFrom(created, completed, migrated),
    fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(traded),
    fc
      .tuple(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }))
      .map(([realTokens, virtualSol]) => ({ ...traded(0n), curve: { realTokens, virtualSol, virtualTokens: 0n } })),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(event, fc.integer({ min: 0, max: 20 })), { maxLength: 20 }), (steps) => {
      let token: Token | undefined;
      let rank = -1;
      for (const [each, slot] of steps) {
        token = tokenAfter(token, each, at(slot));
        const now = token.category ? CATEGORIES.indexOf(token.category) : -1;
        assert.ok(now >= rank);
        rank = now;
        const progress = Number(tokenView(token, decimalOf('150')).bonding_curve_progress);
        assert.ok(progress >= 0 && progress <= 1, String(progress));
      }
    }),
  );
});
