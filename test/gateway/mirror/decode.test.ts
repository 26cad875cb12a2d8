import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import fc from 'fast-check';
import { decodeBody, isBrotliSafe } from '../../../gateway/mirror/decode.ts';

const BODY = Buffer.from('{"a":1}');
const ENCODERS = { gzip: gzipSync, 'x-gzip': gzipSync, deflate: deflateSync, zstd: zstdCompressSync } as const;
type Coding = keyof typeof ENCODERS;
const codings = Object.keys(ENCODERS) as Coding[];

describe('decoding', () => {
  for (const coding of codings) {
    test(`${coding}, then the body as it was, in whatever case the coding is named`, async () => {
      assert.deepEqual(await decodeBody(ENCODERS[coding](BODY), coding), BODY);
      assert.deepEqual(await decodeBody(ENCODERS[coding](BODY), ` ${coding.toUpperCase()} `), BODY);
    });
  }

  test('no coding or identity, then the very bytes', async () => {
    for (const coding of [undefined, '', 'identity', ' Identity , '])
      assert.equal(await decodeBody(BODY, coding), BODY);
  });

  test('Brotli, then decoded by a runtime whose decoder is safe, and by no other', async () => {
    const expected = isBrotliSafe(process.versions.node) ? BODY : undefined;
    assert.deepEqual(await decodeBody(brotliCompressSync(BODY), 'br'), expected);
    assert.deepEqual(await decodeBody(gzipSync(brotliCompressSync(BODY)), 'br, gzip'), expected);
  });

  for (const [version, isSafe] of [
    ['26.12.1', true],
    ['26.13.0', true],
    ['26.12.0', false],
    ['26.10.0', false],
    ['24.22.1', true],
    ['24.21.9', false],
    ['25.9.0', false],
    ['27.0.0', true],
    ['20.20.2', false],
  ] as const) {
    test(`Node ${version}: its Brotli decoder is ${isSafe ? '' : 'not '}safe`, () =>
      assert.equal(isBrotliSafe(version), isSafe));
  }

  for (const coding of ['compress', 'gzip2', '__proto__', 'constructor', 'toString', 'gzip;q=1']) {
    test(`${coding}, which is unknown, then undefined`, async () =>
      assert.equal(await decodeBody(BODY, coding), undefined));
  }

  test('an empty body under any coding (an answer to HEAD), then empty', async () => {
    for (const coding of ['gzip', 'zstd', 'br', 'deflate, gzip']) {
      assert.deepEqual(await decodeBody(Buffer.alloc(0), coding), Buffer.alloc(0));
    }
  });

  test('a body that is not in its coding, cut, or damaged, then undefined', async () => {
    for (const coding of codings) {
      assert.equal(await decodeBody(BODY, coding), undefined);
      const encoded = ENCODERS[coding](Buffer.alloc(5_000, 'abc'));
      assert.equal(await decodeBody(encoded.subarray(0, -4), coding), undefined);
    }
  });

  test('a small body that unpacks without end, then undefined', async () => {
    const bomb = gzipSync(Buffer.alloc(17_000_000));
    assert.ok(bomb.length < 20_000);
    assert.equal(await decodeBody(bomb, 'gzip'), undefined);
    assert.equal((await decodeBody(gzipSync(Buffer.alloc(16_000_000)), 'gzip'))?.length, 16_000_000);
  });

  test('any body in any codings one after the other, then the body', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.uint8Array({ minLength: 1 }),
        fc.array(fc.constantFrom(...codings), { maxLength: 3 }),
        async (bytes, order) => {
          const encoded = order.reduce((body, coding) => ENCODERS[coding](body), Buffer.from(bytes));
          assert.deepEqual(await decodeBody(encoded, order.join(', ')), Buffer.from(bytes));
        },
      ),
    );
  });
});
