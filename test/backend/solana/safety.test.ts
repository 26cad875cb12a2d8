import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  AccountRole,
  type Address,
  type AddressesByLookupTableAddress,
  address,
  appendTransactionMessageInstructions,
  compileTransaction,
  compressTransactionMessageUsingAddressLookupTables,
  createTransactionMessage,
  getAddressDecoder,
  getAddressEncoder,
  getBase64EncodedWireTransaction,
  getCompiledTransactionMessageDecoder,
  getTransactionDecoder,
  pipe,
  setTransactionMessageFeePayer,
} from '@solana/kit';
import { addressesIn, asOne, newcomer, tablesOf } from '../../../backend/solana/safety/newcomer.ts';
import { PUMP_AMM, sharesOfPool } from '../../../backend/solana/safety/pools.ts';
import { KNOWN_MINTS, KNOWN_PROBE } from '../../sandbox/solana/known.ts';
import { poolBytes } from '../../sandbox/solana/layouts.ts';
import { WSOL } from '../../sandbox/solana/tokens.ts';

const key = (byte: number): Address => getAddressDecoder().decode(new Uint8Array(32).fill(byte));
const PROGRAM = key(7);
const TABLE = key(9);
const FAR = Array.from({ length: 20 }, (_, index) => key(100 + index));

function trade(trader: Address, accounts: readonly Address[], tables: AddressesByLookupTableAddress = {}): string {
  const instruction = {
    programAddress: PROGRAM,
    accounts: accounts.map((each) => ({ address: each, role: AccountRole.READONLY })),
    data: Uint8Array.of(1),
  };
  return pipe(
    createTransactionMessage({ version: 0 }),
    (message) => setTransactionMessageFeePayer(trader, message),
    (message) => appendTransactionMessageInstructions([instruction], message),
    (message) => compressTransactionMessageUsingAddressLookupTables(message, tables),
    compileTransaction,
    getBase64EncodedWireTransaction,
  );
}

/** LookupTableMeta of 56 bytes, of kind 1, and the addresses. */
const tableBytes = (addresses: readonly Address[]): Buffer => {
  const meta = Buffer.alloc(56);
  meta.writeUInt32LE(1);
  return Buffer.concat([meta, ...addresses.map((each) => Buffer.from(getAddressEncoder().encode(each)))]);
};

describe('the trades of a newcomer', () => {
  const trader = newcomer();
  const wanted = { funder: KNOWN_PROBE, trader, lamports: 1000n };

  it('are one transaction, paid for by somebody else, and it is known where each begins', () => {
    const made = asOne({ ...wanted, transactions: [trade(trader, [key(1)]), trade(trader, [key(2)])], tables: {} });
    assert.ok(made.ok, made.ok ? '' : made.reason);
    assert.deepEqual(made.value.beginAt, [2, 3]);
    const { messageBytes } = getTransactionDecoder().decode(Buffer.from(made.value.transaction, 'base64'));
    const { staticAccounts } = getCompiledTransactionMessageDecoder().decode(messageBytes);
    assert.equal(staticAccounts[0], address(KNOWN_PROBE));
    for (const each of [trader, key(1), key(2)]) assert.ok(staticAccounts.includes(each), each);
  });

  it('keep what they take from lookup tables there, so that they are short enough', () => {
    const tables = { [TABLE]: FAR };
    const transactions = [trade(trader, FAR, tables), trade(trader, FAR, tables)];
    assert.deepEqual(tablesOf(transactions), [TABLE]);
    const made = asOne({ ...wanted, transactions, tables: addressesIn(new Map([[TABLE, tableBytes(FAR)]])) });
    assert.ok(made.ok, made.ok ? '' : made.reason);
    assert.deepEqual(tablesOf([made.value.transaction]), [TABLE]);
  });

  it('whose lookup table is not there cannot be put together', () => {
    const transactions = [trade(trader, FAR, { [TABLE]: FAR })];
    const noTable = addressesIn(new Map([[TABLE, Buffer.alloc(10)]]));
    assert.deepEqual(noTable, {});
    assert.equal(asOne({ ...wanted, transactions, tables: noTable }).ok, false);
  });

  it('that are longer than a transaction, or none, are told of', () => {
    const long = asOne({
      ...wanted,
      transactions: [
        trade(trader, FAR),
        trade(
          trader,
          Array.from({ length: 20 }, (_, index) => key(200 + index)),
        ),
      ],
      tables: {},
    });
    assert.match(long.ok ? '' : long.reason, /^together they have 1\d{3} bytes$/);
    const none = asOne({ ...wanted, transactions: ['AAAA'], tables: {} });
    assert.deepEqual(none, { ok: false, reason: 'the exchange’s transaction cannot be read' });
  });

  it('are another’s each time', () => assert.notEqual(newcomer(), newcomer()));
});

describe('the shares of a pool', () => {
  const mint = KNOWN_MINTS.plain;
  const state = { baseMint: address(mint), quoteMint: WSOL, lpMint: key(3), lpSupply: 5n };
  const pool = (data: Buffer, owner: string = PUMP_AMM) => ({ data: Buffer.from(data), owner, lamports: 1n });

  it('of PumpSwap are read from its account', () => {
    assert.deepEqual(sharesOfPool(pool(poolBytes(state)), mint), { kind: 'shares', mint: key(3), issued: 5n });
  });

  it('of a curve are none', () => {
    const curve = pool(Buffer.alloc(0), '6EF8rrecthR5Dkzon8Nwu78hRvfCKubJ14M5uBEwF6P');
    assert.deepEqual(sharesOfPool(curve, mint), { kind: 'none' });
  });

  it('of what is cut off, of another kind, of other tokens or not there are unknown', () => {
    const others = { ...state, baseMint: key(4), quoteMint: key(5) };
    const strange = [
      pool(poolBytes(state).subarray(0, 210)),
      pool(Buffer.alloc(300)),
      pool(poolBytes(state), key(6)),
      pool(poolBytes(others)),
      null,
    ];
    for (const each of strange) assert.equal(sharesOfPool(each, mint).kind, 'unknown');
  });
});
