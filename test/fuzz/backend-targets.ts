// Targets of the backend and of the data jobs: what an exchange, a validator and Postgres send.
import assert from 'node:assert/strict';
import { pushCodec } from '../../backend/exchange/mexc-push.ts';
import type { Codec } from '../../backend/protobuf.ts';
import { updateCodec } from '../../backend/solana/geyser/schema.ts';
import { callsOf } from '../../backend/solana/migration-detector/calls.ts';
import { tableOf } from '../../backend/solana/migration-detector/lookup-tables.ts';
import { pumpEventsOf } from '../../backend/solana/migration-detector/pump-events.ts';
import { EVENT_PREFIX, EVENTS, PUMP_BYTES } from '../../backend/solana/migration-detector/pump-program.ts';
import { createPgoutputDecoder } from '../../migration/postgres/pgoutput.ts';
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

const mexc: FuzzTarget = {
  name: 'mexc',
  seeds: [
    pushCodec.encode({ channel: 'spot', symbol: 'BTCUSDT', createTime: 1n }),
    // A field of every kind, deals within deals.
    Buffer.from('0a0473706f741a034254439a130a0a0412013112013222013a', 'hex'),
  ],
  tokens: ['\x0a\x80\x80\x80\x80\x10', '\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01', '\x9a\x13', '\xba\x13\x00'],
  run: (input) => void decoded(pushCodec, input),
};

const keys = [PUMP_BYTES, new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)].map((key) => Uint8Array.from(key));
const eventData = (event: Uint8Array, bytes: number) => Buffer.concat([EVENT_PREFIX, event, Buffer.alloc(bytes, 0x41)]);

const geyser: FuzzTarget = {
  name: 'geyser',
  // Of a transaction update only what protobuf's own rules say of it is made here; the rest comes by chance.
  seeds: [updateCodec.encode({}), Buffer.from('0a0161221e0a1a0a0101120a0a0101120508011201611a040a0205012001', 'hex')],
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
  seeds: [EVENTS.traded, EVENTS.created, EVENTS.completed, EVENTS.migrated].map((event) => eventData(event, 300)),
  tokens: ['\xff\xff\xff\xff', '\x00\x00\x00\x00', '\x7f'],
  run(input) {
    const call = { program: keys[0] ?? new Uint8Array(), account: (at: number) => keys[at], data: input };
    const { events, unread } = pumpEventsOf([call]);
    assert.ok(events.length + unread <= 1);
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
