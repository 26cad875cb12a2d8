import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { createAccountStreams } from '../../../backend/exchange/account-streams.ts';
import type { UserHooks } from '../../../backend/exchange/user-stream.ts';
import { createMetrics } from '../../../backend/metrics.ts';

const IDLE_MS = 15 * 60_000;

function subject(context: TestContext) {
  const clock = { nowMs: 0 };
  const told: string[] = [];
  const hooks = new Map<string, UserHooks>();
  const keys = new Map<string, string | undefined>();
  const metrics = createMetrics();
  const streams = createAccountStreams({
    feedOf: (account) => (given) => {
      told.push(`${account} opens`);
      hooks.set(account, given);
      return { close: async () => void told.push(`${account} closes`) };
    },
    keysOf: async (account) => (keys.has(account) ? keys.get(account) : 'first'),
    onEvent: (account, { kind }) => void told.push(`${account} ${kind}`),
    onUp: (account) => void told.push(`${account} up`),
    onDown: (account, reason) => void told.push(`${account} down: ${reason}`),
    metrics,
    raised: (_, error) => assert.fail(String(error)),
    now: () => clock.nowMs,
  });
  context.after(streams.close);
  return { streams, clock, told, hooks, keys, metrics };
}

test('an account is wanted often, then it has one stream, and is up while that is', async (context) => {
  const { streams, told, hooks } = subject(context);
  streams.want('a');
  streams.want('a');
  assert.equal(streams.isUp('a'), false);
  hooks.get('a')?.onUp();
  assert.deepEqual([streams.isUp('a'), streams.isUp('b')], [true, false]);
  hooks.get('a')?.onDown('lost');
  assert.equal(streams.isUp('a'), false);
  assert.deepEqual(told, ['a opens', 'a up', 'a down: lost']);
});

test('an account rests, then its stream is given up; one that is wanted keeps its own', async (context) => {
  const { streams, clock, told, hooks } = subject(context);
  streams.want('a');
  streams.want('b');
  hooks.get('a')?.onUp();
  clock.nowMs = IDLE_MS;
  streams.want('b');
  await streams.sweep();
  assert.deepEqual(told.slice(2), ['a up', 'a down: the account rests', 'a closes']);
  hooks.get('a')?.onUp();
  assert.equal(streams.isUp('a'), false, 'what was given up is not heard');
});

test('an account’s keys are replaced, then its stream is opened anew; removed, then it is given up', async (context) => {
  const { streams, told, keys } = subject(context);
  streams.want('a');
  await streams.sweep();
  assert.deepEqual(told, ['a opens']);
  keys.set('a', 'second');
  await streams.sweep();
  assert.deepEqual(told.slice(1), ['a closes', 'a opens']);
  await streams.sweep();
  keys.set('a', undefined);
  await streams.sweep();
  assert.deepEqual(told.slice(3), ['a closes']);
});

test('more accounts than there may be streams, then the others are refused and counted, until there is room', async (context) => {
  const { streams, clock, told, metrics } = subject(context);
  for (let i = 0; i < 101; i++) streams.want(`a${i}`);
  assert.equal(told.length, 100);
  assert.equal((await metrics.accountStreamsRefused.get()).values[0]?.value, 1);
  clock.nowMs = IDLE_MS;
  await streams.sweep();
  streams.want('a100');
  assert.equal(told.at(-1), 'a100 opens');
  assert.equal((await metrics.accountStreams.get()).values[0]?.value, 1);
});
