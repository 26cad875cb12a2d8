import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Redis } from 'ioredis';
import { createRedisKeeping } from '../../../../backend/solana/pulse/keeping.ts';
import type { Token } from '../../../../backend/solana/pulse/token.ts';
import { closingAfterEach } from '../../../helpers/closing.ts';
import { startRedis } from '../../../helpers/redis.ts';

const keep = closingAfterEach();
const bare: Token = {
  mint: 'bare',
  name: undefined,
  symbol: undefined,
  bondingCurve: undefined,
  realTokensAtStart: 793_100_000_000_000n,
  curve: undefined,
  pool: undefined,
  category: undefined,
  signature: 'one',
  slot: 7n,
  timeMs: 1,
};
const whole: Token = {
  ...bare,
  mint: 'whole',
  name: 'A name, "quoted"',
  symbol: 'ÜÑÏ',
  bondingCurve: 'curve',
  curve: { virtualTokens: 2n ** 64n - 1n, virtualSol: 0n, realTokens: 1n },
  pool: 'pool',
  category: 'migrated',
  slot: 5n,
};

async function opened() {
  const { url } = await keep(startRedis());
  const raised: string[] = [];
  const open = () => keep(createRedisKeeping(url, (operation) => void raised.push(operation)));
  return { url, open, raised };
}

test('nothing kept yet, then no slot and no tokens', async () => {
  const { open } = await opened();
  assert.deepEqual(await (await open()).load(), { reached: undefined, tokens: [] });
});

test('kept, then another process has all of it as it was, the one heard of longest ago first', async () => {
  const { open } = await opened();
  await (await open()).save({ slot: 2n ** 63n, beginning: 5n }, { changed: [bare, whole], forgotten: [] });
  assert.deepEqual(await (await open()).load(), { reached: { slot: 2n ** 63n, beginning: 5n }, tokens: [whole, bare] });
});

test('forgotten, then it is gone; the slot goes on', async () => {
  const { open } = await opened();
  const keeping = await open();
  await keeping.save({ slot: 1n, beginning: 1n }, { changed: [bare, whole], forgotten: [] });
  await keeping.save({ slot: 2n, beginning: 1n }, { changed: [], forgotten: ['bare'] });
  assert.deepEqual(await keeping.load(), { reached: { slot: 2n, beginning: 1n }, tokens: [whole] });
  assert.deepEqual([await keeping.find('whole'), await keeping.find('bare')], [whole, undefined]);
});

test('a token in a form that is not known is passed over, and the others are there', async () => {
  const { url, open } = await opened();
  const keeping = await open();
  await keeping.save({ slot: 1n, beginning: 1n }, { changed: [whole], forgotten: [] });
  const redis = new Redis(url);
  await redis.hset('pulse:tokens', 'old', '{"mint":"old","slot":3}');
  await redis.hset('pulse:tokens', 'odd', 'no JSON');
  redis.disconnect();
  assert.deepEqual(await keeping.load(), { reached: { slot: 1n, beginning: 1n }, tokens: [whole] });
});
