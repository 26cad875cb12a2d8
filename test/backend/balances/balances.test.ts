import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createBalances } from '../../../backend/balances/balances.ts';
import { decimalOf } from '../../../backend/domain/money.ts';
import type { BalancesResult } from '../../../backend/exchange/exchange.ts';

const amounts = (free: string, locked = '0') => ({ free: decimalOf(free), locked: decimalOf(locked) });
const answer = (free: string): BalancesResult => ({ kind: 'balances', balances: new Map([['USDT', amounts(free)]]) });
const told = (free: string) => ({ asset: 'USDT', ...amounts(free) });

/** Balances on an exchange that answers when the test says so. */
function subject() {
  const clock = { nowMs: 1_000_000 };
  const questions: { account: string | undefined; answer: (result: BalancesResult) => void }[] = [];
  const exchange = {
    balances: (account?: string) =>
      new Promise<BalancesResult>((resolve) => questions.push({ account, answer: resolve })),
  };
  const balances = createBalances({ exchange, now: () => clock.nowMs });
  const freeOf = (account?: string) => balances.fresh(account)?.byAsset.get('USDT')?.free;
  return { balances, clock, questions, freeOf };
}

test('a crowd that asks at once, then one question; fresh for a second, and each account has its own', async () => {
  const { balances, clock, questions, freeOf } = subject();
  const asked = [balances.ask(undefined), balances.ask(undefined), balances.ask('alice')];
  assert.deepEqual(
    questions.map(({ account }) => account),
    [undefined, 'alice'],
  );
  questions[0]?.answer(answer('10'));
  questions[1]?.answer(answer('20'));
  assert.deepEqual(
    (await Promise.all(asked)).map(({ kind }) => kind),
    ['funds', 'funds', 'funds'],
  );
  assert.deepEqual([freeOf(), freeOf('alice')], ['10', '20']);
  clock.nowMs += 1000;
  assert.deepEqual([freeOf(), freeOf('alice')], [undefined, undefined]);
});

test('the exchange does not answer, then what was known stays, and the next who asks asks anew', async () => {
  const { balances, questions, freeOf } = subject();
  const first = balances.ask(undefined);
  questions[0]?.answer(answer('10'));
  await first;
  const second = balances.ask(undefined);
  questions[1]?.answer({ kind: 'unknown', detail: 'no answer' });
  assert.equal((await second).kind, 'unknown');
  assert.equal(freeOf(), '10');
  void balances.ask(undefined);
  assert.equal(questions.length, 3);
});

test('the stream tells of a balance while the exchange is asked, then what it told holds, whatever the answer was', async () => {
  const { balances, questions, freeOf } = subject();
  const asking = balances.ask(undefined);
  balances.take(undefined, told('7'));
  questions[0]?.answer(answer('10'));
  await asking;
  assert.equal(freeOf(), '7');
  balances.take(undefined, told('6'));
  assert.equal(freeOf(), '6');
  balances.take('nobody', told('5'));
  assert.equal(freeOf('nobody'), undefined);
});

test('streamed balances stay fresh for a minute, and the stream’s loss makes them stale', async () => {
  const { balances, clock, questions, freeOf } = subject();
  balances.setStreamed(undefined, true);
  const asking = balances.ask(undefined);
  questions[0]?.answer(answer('10'));
  await asking;
  clock.nowMs += 59_999;
  assert.equal(freeOf(), '10');
  clock.nowMs += 1;
  assert.equal(freeOf(), undefined);
  clock.nowMs -= 1;
  balances.setStreamed(undefined, false);
  assert.equal(freeOf(), undefined);
});

test('a question under way when the stream is lost, then its answer is as good as any', async () => {
  const { balances, questions, freeOf } = subject();
  balances.setStreamed(undefined, true);
  const asking = balances.ask(undefined);
  balances.setStreamed(undefined, false);
  questions[0]?.answer(answer('10'));
  await asking;
  assert.equal(freeOf(), '10');
});
