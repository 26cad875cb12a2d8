import assert from 'node:assert/strict';
import { test } from 'node:test';
import { status } from '@grpc/grpc-js';
import fc from 'fast-check';
import { failureOf } from '../../../../backend/solana/geyser/failure.ts';
import { requestCodec, updateCodec } from '../../../../backend/solana/geyser/schema.ts';

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');
const field = (number: number, wireType: number) => varint(BigInt(number * 8 + wireType));
function varint(value: bigint): string {
  const low = Number(value & 127n);
  const rest = value >> 7n;
  return rest === 0n ? byte(low) : byte(low | 128) + varint(rest);
}
const byte = (value: number) => value.toString(16).padStart(2, '0');
/** A length-delimited field, written by hand. */
const part = (number: number, content: string) => field(number, 2) + varint(BigInt(content.length / 2)) + content;
const text = (number: number, value: string) => part(number, hex(Buffer.from(value)));
const number = (at: number, value: bigint) => field(at, 0) + varint(value);

test('a request with every kind of filter, then the bytes of the published field numbers', () => {
  const flags = { vote: false, failed: false, signature: undefined };
  const lists = { accountInclude: ['Pump'], accountExclude: ['Vote'], accountRequired: ['Req'] };
  const encoded = requestCodec.encode({
    accounts: [{ key: 'a', value: { account: ['A'], owner: ['O'], filters: [], nonemptyTxnSignature: undefined } }],
    slots: [{ key: 's', value: { filterByCommitment: true, interslotUpdates: undefined } }],
    transactions: [{ key: 't', value: { ...flags, ...lists } }],
    blocksMeta: [{ key: 'm', value: {} }],
    commitment: 1,
    fromSlot: 300n,
  });
  const filter = number(1, 0n) + number(2, 0n) + text(3, 'Pump') + text(4, 'Vote') + text(6, 'Req');
  const expected = [
    part(1, text(1, 'a') + part(2, text(2, 'A') + text(3, 'O'))),
    part(2, text(1, 's') + part(2, number(1, 1n))),
    part(3, text(1, 't') + part(2, filter)),
    part(5, text(1, 'm') + part(2, '')),
    number(6, 1n),
    number(11, 300n),
  ];
  assert.equal(hex(encoded), expected.join(''));
});

test('an answer to a ping is the ping alone', () => {
  assert.equal(hex(requestCodec.encode({ ping: { id: 1 } })), '4a020801');
});

test('a transaction update of the published field numbers, then its parts; fields that came later are passed over', () => {
  const instruction = number(1, 2n) + part(2, '0001') + part(3, 'aabb');
  const inner = number(1, 0n) + part(2, `${number(1, 3n)}${part(2, '02')}${part(3, 'cc')}${number(4, 2n)}`);
  const lookup = part(1, 'ee'.repeat(32)) + part(2, '05') + part(3, '0607');
  const message = part(2, '11'.repeat(32)) + part(4, instruction) + number(5, 1n) + part(6, lookup);
  const meta =
    number(2, 5000n) + part(5, inner) + part(12, '22'.repeat(32)) + part(13, '33'.repeat(32)) + number(99, 7n);
  const info = part(1, '44'.repeat(64)) + part(3, part(1, '44'.repeat(64)) + part(2, message)) + part(4, meta);
  const update =
    text(1, 'pump') + part(4, part(1, info) + number(2, 2n ** 64n - 1n)) + part(11, number(1, 1790000000n));
  const { filters, transaction, slot, createdAt } = updateCodec.decode(Buffer.from(update, 'hex'));
  assert.deepEqual([filters, slot, createdAt?.seconds], [['pump'], undefined, 1790000000n]);
  assert.equal(transaction?.slot, 2n ** 64n - 1n);
  const told = transaction?.transaction;
  assert.equal(told?.signature.length, 64);
  const [call] = told?.transaction?.message?.instructions ?? [];
  assert.deepEqual(
    [call?.programIdIndex, hex(call?.accounts ?? Uint8Array.of()), hex(call?.data ?? Uint8Array.of())],
    [2, '0001', 'aabb'],
  );
  const [lookedUp] = told?.transaction?.message?.addressTableLookups ?? [];
  assert.deepEqual(
    [hex(lookedUp?.writableIndexes ?? Uint8Array.of()), hex(lookedUp?.readonlyIndexes ?? Uint8Array.of())],
    ['05', '0607'],
  );
  assert.deepEqual(told?.meta?.err, undefined);
  assert.deepEqual(told?.meta?.loadedWritableAddresses.map(hex), ['22'.repeat(32)]);
  assert.deepEqual(told?.meta?.loadedReadonlyAddresses.map(hex), ['33'.repeat(32)]);
  const [innerCall] = told?.meta?.innerInstructions[0]?.instructions ?? [];
  assert.deepEqual([innerCall?.programIdIndex, innerCall?.stackHeight], [3, 2]);
});

test('random bytes are an update or an error, and nothing else', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      try {
        assert.ok(Array.isArray(updateCodec.decode(bytes).filters));
      } catch (error) {
        assert.ok(error instanceof Error && !(error instanceof assert.AssertionError), String(error));
      }
    }),
    { numRuns: 2000 },
  );
});

test('a field that claims to be longer than the message is an error', () => {
  assert.throws(() => updateCodec.decode(Buffer.from('22ffffffff0f', 'hex')));
});

for (const [name, code, details, expected] of [
  ['a slot too old', status.OUT_OF_RANGE, 'broadcast from 5 is not available, last available: 9', ['too_old', 9n]],
  ['a slot too old, in other words', status.OUT_OF_RANGE, 'too old', ['too_old', undefined]],
  ['no replay', status.INTERNAL, 'from_slot is not supported', ['no_replay', undefined]],
  ['a slow client', status.INTERNAL, 'lagged to send an update', ['lost', undefined]],
  ['a server that starts', status.INTERNAL, 'startup', ['lost', undefined]],
  ['a wrong token', status.UNAUTHENTICATED, 'No valid auth token', ['refused', undefined]],
  ['too many requests', status.RESOURCE_EXHAUSTED, 'rate limit exceeded', ['lost', undefined]],
] as const) {
  test(`${name}: ${expected[0]}`, () => {
    const failure = failureOf({ code, details });
    assert.deepEqual([failure.kind, failure.kind === 'too_old' ? failure.availableSlot : undefined], expected);
    assert.ok(failure.detail.includes(details));
  });
}
