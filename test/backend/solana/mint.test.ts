import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { readHolding } from '../../../backend/solana/accounts/holding.ts';
import { feeIn, readMint } from '../../../backend/solana/accounts/mint.ts';
import { parseRpcJson, u64 } from '../../../backend/solana/rpc/json.ts';

const RUNS = 2000;
const AUTHORITY = '39azUYFWPz3VHgKCf3VChUwbpURdCHRxjWVowf5jUJjg';
/** Encoded with @solana-program/token-2022 0.15.0. */
const RENOUNCED =
  'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIDGpH6NAwAGAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA==';
const WITH_AUTHORITIES =
  'AQAAAB/qdDnzzrTE70u5zHvuQKGmJhcbaEFf7e1At6iVb4TnAIDGpH6NAwAGAQEAAAAf6nQ58860xO9Lucx77kChpiYXG2hBX+3tQLeolW+E5w==';
const TRAP =
  'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAIDGpH6NAwAGAQAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAQEAbAAf6nQ58860xO9Lucx77kChpiYXG2hBX+3tQLeolW+E5x/qdDnzzrTE70u5zHvuQKGmJhcbaEFf7e1At6iVb4TnAAAAAAAAAAAAAAAAAAAAAEBCDwAAAAAAAAAAAAAAAAAAAP//////////9AEMACAAH+p0OfPOtMTvS7nMe+5AoaYmFxtoQV/t7UC3qJVvhOcGAAEAAg==';

function golden(text: string) {
  const read = readMint(Buffer.from(text, 'base64'));
  assert.ok(read.ok, read.ok ? '' : read.reason);
  return read.value;
}

describe('a mint account', () => {
  it('without authorities is read so', () => {
    assert.deepEqual(golden(RENOUNCED), {
      mintAuthority: undefined,
      freezeAuthority: undefined,
      supply: 1_000_000_000_000_000n,
      decimals: 6,
      isInitialized: true,
      extensions: { others: [] },
    });
  });

  it('with authorities names both', () => {
    const { mintAuthority, freezeAuthority } = golden(WITH_AUTHORITIES);
    assert.deepEqual([mintAuthority, freezeAuthority], [AUTHORITY, AUTHORITY]);
  });

  it('with a fee, a delegate and frozen accounts is seen as what it is', () => {
    const { extensions } = golden(TRAP);
    const { transferFee, permanentDelegate, startsFrozen, others } = extensions;
    assert.deepEqual([permanentDelegate, startsFrozen, others], [AUTHORITY, true, []]);
    assert.ok(transferFee);
    assert.deepEqual(
      [transferFee.older.bps, transferFee.newer.bps, transferFee.newer.maximum],
      [0, 500, 2n ** 64n - 1n],
    );
    assert.equal(feeIn({ ...transferFee, newer: { ...transferFee.newer, epoch: 9n } }, 8n).currentBps, 0);
    assert.equal(feeIn({ ...transferFee, newer: { ...transferFee.newer, epoch: 9n } }, 9n).currentBps, 500);
  });

  it('cut anywhere within it is not read, or has lost whole extensions only', () => {
    const whole = Buffer.from(TRAP, 'base64');
    const starts = [82, 166, 166 + 4 + 108, 166 + 4 + 108 + 4 + 32];
    for (let length = 0; length < whole.length; length++) {
      assert.equal(readMint(whole.subarray(0, length)).ok, starts.includes(length), String(length));
    }
  });

  it('of any bytes is read or refused, and never more than is there', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (bytes, isMint) => {
        const buffer = Buffer.from(bytes);
        if (isMint && buffer.length > 166) {
          buffer.fill(0, 0, 166);
          buffer[165] = 1;
        }
        assert.equal(typeof readMint(buffer).ok, 'boolean');
        assert.equal(typeof readHolding(buffer).ok, 'boolean');
      }),
      { numRuns: RUNS },
    );
  });

  it('with its extensions in any order and others between is read the same', () => {
    const base = Buffer.from(TRAP, 'base64').subarray(0, 166);
    const rest = Buffer.from(TRAP, 'base64').subarray(166);
    const parts = [rest.subarray(0, 112), rest.subarray(112, 148), rest.subarray(148)];
    const strange = fc
      .record({ type: fc.integer({ min: 40, max: 65_535 }), data: fc.uint8Array({ maxLength: 50 }) })
      .map(({ type, data }) => Buffer.from([type & 255, type >> 8, data.length, 0, ...data]));
    fc.assert(
      fc.property(fc.shuffledSubarray(parts, { minLength: 3 }), strange, fc.nat(3), (order, other, at) => {
        const { others, ...known } = golden(
          Buffer.concat([base, ...order.toSpliced(at, 0, other)]).toString('base64'),
        ).extensions;
        assert.deepEqual({ ...known, others: [] }, golden(TRAP).extensions);
        assert.deepEqual(others, [other.readUInt16LE(0)]);
      }),
    );
  });
});

describe('JSON of an RPC', () => {
  it('keeps every u64, whole', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), (value) => {
        assert.equal(
          u64.parse(parseRpcJson(`{"v":${value},"w":0.5}`) && (parseRpcJson(`[${value}]`) as unknown[])[0]),
          value,
        );
      }),
    );
  });

  it('keeps every digit wherever a number can stand, and leaves texts of digits as they are', () => {
    const most = 18446744073709551615n;
    for (const text of [`${most}`, `[1,\n ${most}]`, `{"a" :\t${most}}`, `[{"b":"11111111111111111"},${most}]`]) {
      const found: unknown[] = [];
      const visit = (value: unknown): void => {
        if (typeof value === 'object' && value !== null) for (const each of Object.values(value)) visit(each);
        else found.push(value);
      };
      visit(parseRpcJson(text));
      assert.equal(found.at(-1), most, text);
    }
    const log = 'Program 11111111111111111111111111111111 success';
    assert.deepEqual(parseRpcJson(JSON.stringify([log])), [log]);
    assert.equal(parseRpcJson('-9223372036854775808'), -9223372036854775808n);
  });
});
