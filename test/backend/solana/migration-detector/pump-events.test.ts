import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, test } from 'node:test';
import { address, getAddressDecoder } from '@solana/kit';
import fc from 'fast-check';
import { updateCodec } from '../../../../backend/solana/geyser/schema.ts';
import { callsOf } from '../../../../backend/solana/migration-detector/calls.ts';
import { createLookupTables, tableOf } from '../../../../backend/solana/migration-detector/lookup-tables.ts';
import { pumpEventsOf } from '../../../../backend/solana/migration-detector/pump-events.ts';
import {
  EVENT_PREFIX,
  EVENTS,
  MIGRATE,
  MIGRATE_V2,
  PUMP_BYTES,
} from '../../../../backend/solana/migration-detector/pump-program.ts';
import {
  buyCall,
  completedEvent,
  createCall,
  createdEvent,
  migrateCall,
  migratedEvent,
  PUMP_PROGRAM,
  tradedEvent,
} from '../../../sandbox/geyser/pump.ts';
import { type ChainCall, transactionOf, transactionUpdate } from '../../../sandbox/geyser/transactions.ts';

const sha = (text: string) => Uint8Array.from(createHash('sha256').update(text).digest().subarray(0, 8));
const keyOf = (byte: number) => getAddressDecoder().decode(new Uint8Array(32).fill(byte));
const token = {
  mint: address('EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v'),
  bondingCurve: address('8Rr2Qo9ch94zRZxojHfg7Xeq8DfAp9mfNaLZnQScnpbA'),
  pool: address('7RhvxY3mDRVrJep3hhQf5VZ6AqB7LNA5gqRsT5ffNXED'),
  user: keyOf(9),
  name: 'Token Ünï',
  symbol: 'TÜ',
};
const SIGNATURE = new Uint8Array(64).fill(7);
const ROUTER = new Uint8Array(32).fill(77);
const reserves = {
  virtualTokens: 1_073_000_000_000_000n,
  virtualSol: 30_000_000_000n,
  realTokens: 793_100_000_000_000n,
  realSol: 0n,
};

/** Through the wire and back, as the server would have told it. */
async function read(calls: readonly ChainCall[], options: Parameters<typeof transactionOf>[2] = {}) {
  const told = { transaction: transactionUpdate(5n, transactionOf(SIGNATURE, calls, options)) };
  const { transaction } = updateCodec.decode(updateCodec.encode(told));
  assert.ok(transaction);
  return callsOf(transaction);
}
async function eventsOf(calls: readonly ChainCall[], options: Parameters<typeof transactionOf>[2] = {}) {
  const found = await read(calls, options);
  return found.kind === 'calls' ? pumpEventsOf(found.calls) : found.kind;
}
const migration = (form: 'migrate' | 'migrate_v2') => migrateCall(token, form, [migratedEvent(token, 1_790_000_000n)]);

test('discriminators are the hashes that Anchor makes of the names', () => {
  assert.deepEqual(
    [MIGRATE, MIGRATE_V2, EVENTS.created, EVENTS.traded, EVENTS.completed, EVENTS.migrated],
    ['global:migrate', 'global:migrate_v2', 'event:CreateEvent', 'event:TradeEvent', 'event:CompleteEvent']
      .map(sha)
      .concat([sha('event:CompletePumpAmmMigrationEvent')]),
  );
  assert.deepEqual(EVENT_PREFIX, Uint8Array.from(sha('anchor:event')).reverse());
});

describe('a migration', () => {
  for (const form of ['migrate', 'migrate_v2'] as const) {
    test(`by ${form}: mint, curve and pool from the event`, async () => {
      const found = await eventsOf([migration(form)]);
      assert.deepEqual(found, {
        events: [
          {
            kind: 'migrated',
            by: form,
            mint: token.mint,
            bondingCurve: token.bondingCurve,
            pool: token.pool,
            tokens: 206_900_000_000_000n,
            sol: 84_990_359_679n,
            timeMs: 1_790_000_000_000,
          },
        ],
        unread: 0,
      });
    });
  }

  test('by another program, and every address from a lookup table: the same', async () => {
    const { inner = [], ...migrate } = migration('migrate');
    const call = { program: ROUTER, accounts: [], data: new Uint8Array(), inner: [migrate, ...inner] };
    const found = await eventsOf([call], { isLoaded: (bytes) => !Buffer.from(bytes).equals(ROUTER) });
    assert.ok(typeof found === 'object');
    assert.deepEqual(
      found.events.map(({ kind, mint }) => [kind, mint]),
      [['migrated', token.mint]],
    );
  });

  test('that failed is none', async () => {
    assert.equal(await eventsOf([migration('migrate')], { failed: true }), 'failed');
  });

  test('called again, when it is over, has no event, and is none', async () => {
    assert.deepEqual(await eventsOf([migrateCall(token, 'migrate', [])]), { events: [], unread: 0 });
  });

  test('told by another program in Pump’s form is not believed', async () => {
    const forged = { ...migratedEvent(token, 1n), program: ROUTER };
    assert.deepEqual(await eventsOf([migrateCall(token, 'migrate', [forged])]), { events: [], unread: 0 });
  });

  test('told without a call of either form, or of another token, is not one, and counted', async () => {
    const alone = { ...buyCall(token, [migratedEvent(token, 1n)]) };
    assert.deepEqual(await eventsOf([alone]), { events: [], unread: 1 });
    const other = migrateCall({ ...token, mint: keyOf(3) }, 'migrate', [migratedEvent(token, 1n)]);
    assert.deepEqual(await eventsOf([other]), { events: [], unread: 1 });
  });
});

test('a launch, its first trade and the sold-out curve, in the order in which they were told', async () => {
  const trade = { sol: 5n, tokens: 6n, isBuy: true };
  const found = await eventsOf([
    createCall(token, [createdEvent(token, reserves, 10n)]),
    buyCall(token, [tradedEvent(token, trade, { ...reserves, realTokens: 0n }, 11n), completedEvent(token, 11n)]),
  ]);
  assert.ok(typeof found === 'object');
  const { realSol, ...curve } = reserves;
  const { mint, bondingCurve, name, symbol, user } = token;
  assert.deepEqual(found.events, [
    { kind: 'created', mint, name, symbol, bondingCurve, curve, timeMs: 10_000 },
    { kind: 'traded', mint, ...trade, user, curve: { ...curve, realTokens: 0n }, timeMs: 11_000 },
    { kind: 'completed', mint, bondingCurve, timeMs: 11_000 },
  ]);
});

test('an event cut anywhere within what is read is counted as unread; cut in what came later, it is read', async () => {
  const whole = completedEvent(token, 11n);
  const readBytes = 16 + 32 * 3 + 8;
  for (let length = 16; length < whole.data.length; length += 1) {
    const cut = { ...whole, data: whole.data.subarray(0, length) };
    const found = await eventsOf([buyCall(token, [cut])]);
    assert.ok(typeof found === 'object');
    assert.deepEqual([found.events.length, found.unread], length < readBytes ? [0, 1] : [1, 0], `cut at ${length}`);
  }
});

test('whatever follows the discriminators, reading neither throws nor makes up text longer than what was there', () => {
  const discriminators = Object.values(EVENTS);
  fc.assert(
    fc.property(fc.constantFrom(...discriminators), fc.uint8Array({ maxLength: 600 }), (discriminator, rest) => {
      const data = Uint8Array.of(...EVENT_PREFIX, ...discriminator, ...rest);
      const migrate = { program: PUMP_PROGRAM, account: () => rest.subarray(0, 32), data: MIGRATE };
      const calls = [{ program: PUMP_PROGRAM, account: () => undefined, data }];
      const { events, unread } = pumpEventsOf(rest.length < 32 ? calls : [migrate, ...calls]);
      assert.equal(events.length + unread, 1);
      for (const event of events) if (event.kind === 'created') assert.ok(event.name.length <= rest.length);
    }),
    { numRuns: 2000 },
  );
});

describe('lookup tables', () => {
  const key = (byte: number) => new Uint8Array(32).fill(byte);
  const meta = new Uint8Array(56);
  meta[0] = 1;
  const table = Uint8Array.of(...meta, ...key(1), ...key(2), ...PUMP_BYTES);
  const lookup = (...indexes: number[]) => ({
    accountKey: key(250),
    writableIndexes: Uint8Array.of(),
    readonlyIndexes: Uint8Array.from(indexes),
  });

  test('the server did not tell the addresses, then they are looked up once, and the program is found', async () => {
    const asked: string[] = [];
    const accountData = async (account: string) => {
      asked.push(account);
      return table;
    };
    const tables = createLookupTables({ accountData, now: () => 0 });
    const told = transactionUpdate(5n, transactionOf(SIGNATURE, [buyCall(token, [completedEvent(token, 1n)])]));
    const info = told.transaction;
    assert.ok(info?.transaction?.message && info.meta);
    const isPump = (bytes: Uint8Array) => Buffer.from(bytes).equals(PUMP_PROGRAM);
    const at = info.transaction.message.accountKeys.findIndex(isPump);
    assert.equal(at, info.transaction.message.accountKeys.length - 1, 'the program is the last address');
    const message = {
      ...info.transaction.message,
      accountKeys: info.transaction.message.accountKeys.slice(0, -1),
      addressTableLookups: [lookup(2)],
    };
    const update = { ...told, transaction: { ...info, transaction: { ...info.transaction, message } } };
    for (let i = 0; i < 2; i++) {
      const found = await callsOf(update, tables);
      assert.ok(found.kind === 'calls');
      assert.equal(pumpEventsOf(found.calls).events[0]?.kind, 'completed');
    }
    assert.deepEqual(asked, [keyOf(250)]);
    assert.equal((await callsOf(update)).kind, 'unresolved');
  });

  test('an index beyond the table, no table, or an account that is none: unresolved', async () => {
    const withData = (data: Uint8Array | undefined) =>
      createLookupTables({ accountData: async () => data, now: () => 0 });
    assert.equal(await withData(table).resolve([lookup(3)]), undefined);
    assert.equal(await withData(undefined).resolve([lookup(0)]), undefined);
    assert.equal(await withData(new Uint8Array(100)).resolve([lookup(0)]), undefined);
    assert.deepEqual(await withData(table).resolve([lookup(1)]), [key(2)]);
  });

  test('any bytes are a table of whole addresses, or none', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), fc.boolean(), (bytes, isTable) => {
        const data = isTable ? Uint8Array.of(1, 0, 0, 0, ...bytes) : bytes;
        for (const each of tableOf(data) ?? []) assert.equal(each.length, 32);
      }),
    );
  });
});
