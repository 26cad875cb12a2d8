// Targets of the backend and of the data jobs: what an exchange, a validator and Postgres send.
import assert from 'node:assert/strict';
import { getAddressDecoder } from '@solana/kit';
import { pushCodec } from '../../backend/exchange/mexc-push.ts';
import type { Codec } from '../../backend/protobuf.ts';
import { updateCodec } from '../../backend/solana/geyser/schema.ts';
import { callsOf } from '../../backend/solana/migration-detector/calls.ts';
import { tableOf } from '../../backend/solana/migration-detector/lookup-tables.ts';
import { pumpEventsOf } from '../../backend/solana/migration-detector/pump-events.ts';
import { PUMP_BYTES } from '../../backend/solana/migration-detector/pump-program.ts';
import { createPgoutputDecoder } from '../../migration/postgres/pgoutput.ts';
import {
  buyCall,
  completedEvent,
  createCall,
  createdEvent,
  migrateCall,
  migratedEvent,
  tradedEvent,
} from '../sandbox/geyser/pump.ts';
import { type ChainCall, transactionOf, transactionUpdate } from '../sandbox/geyser/transactions.ts';
import type { FuzzTarget } from './fuzz.ts';

/** What is read is what was written: or it is refused by an error that says so, not by one of a slip of ours. */
function decoded<T>(codec: Codec<T>, input: Uint8Array): T | undefined {
  let value: T;
  try {
    value = codec.decode(input);
  } catch (error) {
    // Text that is no UTF-8 is refused by a TypeError of the platform.
    if (!isUtf8Refusal(error)) assertRefusal(error);
    return undefined;
  }
  const again = codec.encode(value);
  assert.deepEqual(codec.encode(codec.decode(again)), again);
  return value;
}

function isUtf8Refusal(error: unknown): boolean {
  return error instanceof TypeError && 'code' in error && error.code === 'ERR_ENCODING_INVALID_ENCODED_DATA';
}

function assertRefusal(error: unknown): void {
  assert.ok(
    error instanceof Error && !(error instanceof TypeError) && !(error instanceof ReferenceError),
    String(error),
  );
}

const LEVEL = { price: '117145.49', quantity: '0.5' };
const DEPTHS = { eventType: 'x', fromVersion: '1', toVersion: '2', lastOrderCreateTime: 3n };
const DEAL = { ...LEVEL, tradeType: 1, time: 1_736_409_765_051n, tradeId: '7' };

const mexc: FuzzTarget = {
  name: 'mexc',
  seeds: [
    pushCodec.encode({ channel: 'spot', symbol: 'BTCUSDT', createTime: 1n }),
    pushCodec.encode({ channel: 'depth', publicAggreDepths: { ...DEPTHS, asks: [LEVEL], bids: [LEVEL, LEVEL] } }),
    pushCodec.encode({ channel: 'deals', publicAggreDeals: { deals: [DEAL], eventType: 'x' } }),
  ],
  tokens: ['\x0a\x80\x80\x80\x80\x10', '\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01', '\x9a\x13', '\xba\x13\x00'],
  run: (input) => void decoded(pushCodec, input),
};

const keys = [PUMP_BYTES, new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)].map((key) => Uint8Array.from(key));
const addressOf = (byte: number) => getAddressDecoder().decode(new Uint8Array(32).fill(byte));
const TOKEN = {
  ...{ mint: addressOf(1), bondingCurve: addressOf(2), pool: addressOf(3), user: addressOf(4) },
  ...{ name: 'Token Ünï', symbol: 'TÜ' },
};
const RESERVES = { virtualTokens: 10n ** 15n, virtualSol: 30_000_000_000n, realTokens: 7n * 10n ** 14n, realSol: 0n };
const TRADE = { sol: 5n, tokens: 6n, isBuy: true };

function updateOf(call: ChainCall): Uint8Array {
  return updateCodec.encode({ transaction: transactionUpdate(5n, transactionOf(new Uint8Array(64), [call])) });
}

const geyser: FuzzTarget = {
  name: 'geyser',
  seeds: [
    updateCodec.encode({}),
    updateOf(createCall(TOKEN, [createdEvent(TOKEN, RESERVES, 10n)])),
    updateOf(buyCall(TOKEN, [tradedEvent(TOKEN, TRADE, RESERVES, 11n), completedEvent(TOKEN, 11n)])),
    updateOf(migrateCall(TOKEN, 'migrate', [migratedEvent(TOKEN, 12n)])),
  ],
  tokens: ['\x22\x02', '\x0a\x20', '\x12\x00', '\x1a\x00', '\xff\xff\xff\xff\x0f'],
  async run(input) {
    const update = decoded(updateCodec, input);
    if (!update?.transaction) return;
    const calls = await callsOf(update.transaction);
    if (calls.kind === 'calls') pumpEventsOf(calls.calls);
  },
};

const pump: FuzzTarget = {
  name: 'pump',
  seeds: [
    createdEvent(TOKEN, RESERVES, 10n),
    tradedEvent(TOKEN, TRADE, RESERVES, 11n),
    completedEvent(TOKEN, 11n),
    migratedEvent(TOKEN, 12n),
  ].map(({ data }) => data),
  tokens: ['\xff\xff\xff\xff', '\x00\x00\x00\x00', '\x7f'],
  run(input) {
    const call = { program: keys[0] ?? new Uint8Array(), account: (at: number) => keys[at], data: input };
    const { events, unread } = pumpEventsOf([call]);
    assert.ok(events.length + unread <= 1, 'one event at most in one call');
    for (const table of tableOf(input) ?? []) assert.equal(table.length, 32);
  },
};

const relation = Buffer.concat([
  Buffer.from('52000000017075626c6963006f7264657273006600020169640000000014ffffffff', 'hex'),
  Buffer.from('006e6f74650000000019ffffffff', 'hex'),
]);
const insert = Buffer.from('49000000014e0002740000000137740000000161', 'hex');
const update = Buffer.from('55000000014b000274000000013775', 'hex');

const pgoutput: FuzzTarget = {
  name: 'pgoutput',
  seeds: [
    relation,
    insert,
    update,
    Buffer.from('42000000000000000100000000000000020000000a', 'hex'),
    Buffer.from('54', 'hex'),
  ],
  tokens: ['\xff\xff', '\x00\x00\x00\x01', 'N', 'K', 'O', 't', 'n', 'u', 'b', '\x7f\xff\xff\xff'],
  run(input) {
    const decode = createPgoutputDecoder();
    assert.equal(decode(relation).kind, 'relation');
    try {
      const message = decode(input);
      // What is told of a row is of the table's own columns, whatever another description says by then.
      if (message.kind === 'insert')
        assert.ok(Object.keys(message.after.row).length <= message.relation.columns.length);
    } catch (error) {
      assertRefusal(error);
    }
    assert.equal(createPgoutputDecoder()(relation).kind, 'relation');
  },
};

export const BACKEND_TARGETS: readonly FuzzTarget[] = [mexc, geyser, pump, pgoutput];
