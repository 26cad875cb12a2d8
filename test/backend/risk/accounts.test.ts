import assert from 'node:assert/strict';
import { test } from 'node:test';
import { emptyAccount } from '../../../backend/risk/account.ts';
import { createAccounts } from '../../../backend/risk/accounts.ts';
import type { AccountRecord } from '../../../backend/store/account-items.ts';
import { createMemoryStore } from '../../../backend/store/memory.ts';
import { StoreUnavailable } from '../../../backend/store/store.ts';

const NOW_MS = 0;
const initial = async (userId: string) => emptyAccount(userId, NOW_MS);
const counted = (account: AccountRecord) => ({
  account: { ...account, second_orders: account.second_orders + 1 },
  result: account.second_orders + 1,
});

function subject() {
  const memory = createMemoryStore(() => NOW_MS);
  const writes = { count: 0 };
  const store = {
    ...memory,
    async putAccount(account: AccountRecord) {
      writes.count += 1;
      return memory.putAccount(account);
    },
  };
  return { memory, store, writes };
}

test('changes that wait are asked in turn and stored by few writes', async () => {
  const { memory, store, writes } = subject();
  const accounts = createAccounts(store, initial);
  const results = await Promise.all(Array.from({ length: 100 }, () => accounts.change('u', counted)));
  assert.deepEqual(
    results,
    Array.from({ length: 100 }, (_, index) => index + 1),
  );
  assert.equal((await memory.getAccount('u'))?.second_orders, 100);
  assert.ok(writes.count <= 2, `${writes.count} writes`);
});

test('several instances at once, then no change is lost', async () => {
  const { memory, store } = subject();
  const instances = Array.from({ length: 4 }, () => createAccounts(store, initial));
  await Promise.all(
    instances.map(async (accounts) => {
      for (let i = 0; i < 10; i++) await accounts.change('u', counted);
    }),
  );
  assert.equal((await memory.getAccount('u'))?.second_orders, 40);
});

test('a "no" by what is remembered is asked again by what the store holds', async () => {
  const { store } = subject();
  const [one, two] = [createAccounts(store, initial), createAccounts(store, initial)];
  const halted = (state: 'ACTIVE' | 'HALTED') => (account: AccountRecord) => ({
    account: { ...account, state },
    result: undefined,
  });
  await one.change('u', halted('HALTED'));
  await two.change('u', halted('ACTIVE'));
  const isHalted = await one.change('u', (account) => ({
    account,
    result: account.state === 'HALTED',
    isFinal: account.state !== 'HALTED',
  }));
  assert.equal(isHalted, false);
});

test('a store that is away, then whoever waited is told, and the next change works', async () => {
  const { store } = subject();
  let down = true;
  const accounts = createAccounts(
    {
      ...store,
      async putAccount(account) {
        if (down) throw new StoreUnavailable('down');
        return store.putAccount(account);
      },
    },
    initial,
  );
  await assert.rejects(accounts.change('u', counted), StoreUnavailable);
  down = false;
  assert.equal(await accounts.change('u', counted), 1);
  await accounts.idle();
});
