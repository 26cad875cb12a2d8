import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createFrameScanner } from '../../../gateway/streams/frame-scanner.ts';
import { close, frame, text } from './frames.ts';

const frames = fc
  .record({
    opcode: fc.constantFrom(0, 1, 2, 8, 9, 10),
    size: fc.oneof(
      { weight: 6, arbitrary: fc.integer({ min: 0, max: 130 }) },
      { weight: 2, arbitrary: fc.constantFrom(0, 125, 126, 127, 65_535, 65_536, 70_000) },
    ),
    fin: fc.boolean(),
    masked: fc.boolean(),
    filler: fc.integer({ min: 0, max: 255 }),
  })
  .map(({ size, filler, ...rest }) => ({ ...rest, bytes: frame({ ...rest, payload: Buffer.alloc(size, filler) }) }));
const streams = fc.array(frames, { minLength: 1, maxLength: 12 });
/** Where to cut a stream, as shares of its length. */
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 40 });

function endsOf(specs: readonly { bytes: Buffer }[]): number[] {
  let end = 0;
  return specs.map(({ bytes }) => {
    end += bytes.length;
    return end;
  });
}

function chunksOf(bytes: Buffer, shares: readonly number[]): Buffer[] {
  const ends = [...shares.map((share) => Math.floor(share * bytes.length)), bytes.length].sort((a, b) => a - b);
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

describe('the frame scanner', () => {
  it('given any frames in any chunks, is at a boundary exactly where a frame ends', () => {
    fc.assert(
      fc.property(streams, cuts, (specs, shares) => {
        const scanner = createFrameScanner();
        const boundaries = new Set([0, ...endsOf(specs)]);
        let at = 0;
        for (const chunk of chunksOf(Buffer.concat(specs.map(({ bytes }) => bytes)), shares)) {
          scanner.push(chunk);
          at += chunk.length;
          assert.equal(scanner.atBoundary, boundaries.has(at), `at ${at}`);
        }
      }),
    );
  });

  it('asked to stop at boundaries, takes the stream frame by frame whatever the chunks are', () => {
    fc.assert(
      fc.property(streams, cuts, (specs, shares) => {
        const scanner = createFrameScanner();
        const found: number[] = [];
        let at = 0;
        for (const chunk of chunksOf(Buffer.concat(specs.map(({ bytes }) => bytes)), shares)) {
          for (let taken = 0; taken < chunk.length; ) {
            const length = scanner.pushToBoundary(chunk.subarray(taken));
            taken += length;
            at += length;
            if (scanner.atBoundary) found.push(at);
          }
        }
        assert.deepEqual(found, endsOf(specs));
      }),
    );
  });

  it('byte by byte, sees a Close frame only when the whole of it has passed', () => {
    const bytes = Buffer.concat([text('before'), close(1000, true)]);
    const scanner = createFrameScanner();
    for (const [at] of bytes.entries()) {
      assert.equal(scanner.closeSeen, false, `before byte ${at}`);
      scanner.push(bytes.subarray(at, at + 1));
    }
    assert.equal(scanner.closeSeen, true);
  });

  it('is not misled by a payload that looks like frames', () => {
    const scanner = createFrameScanner();
    scanner.push(frame({ opcode: 2, payload: Buffer.concat([close(1000), close(1001)]) }));
    assert.equal(scanner.closeSeen, false);
    assert.equal(scanner.atBoundary, true);
  });

  it('given lengths in a longer form than needed, reads them as they are', () => {
    for (const lengthBytes of [2, 8] as const) {
      const scanner = createFrameScanner();
      const bytes = frame({ opcode: 2, payload: Buffer.alloc(5), lengthBytes });
      scanner.push(bytes.subarray(0, -1));
      assert.equal(scanner.atBoundary, false);
      scanner.push(bytes.subarray(-1));
      assert.equal(scanner.atBoundary, true);
    }
  });

  it('given a frame of 4 GiB and more, finds its end', () => {
    const scanner = createFrameScanner();
    const header = Buffer.alloc(10);
    header.set([0x82, 127]);
    header.writeBigUInt64BE(2n ** 32n + 3n, 2);
    scanner.push(header);
    const gibibyte = { length: 2 ** 30 } as Uint8Array; // Only its length is looked at within a payload.
    for (let i = 0; i < 4; i++) scanner.push(gibibyte);
    scanner.push(Buffer.alloc(2));
    assert.equal(scanner.atBoundary, false);
    assert.equal(scanner.pushToBoundary(Buffer.alloc(2)), 1);
  });

  it('given a length that no number holds exactly, never claims an end', () => {
    const scanner = createFrameScanner();
    scanner.push(Buffer.from([0x82, 127, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]));
    scanner.push(Buffer.alloc(100_000));
    assert.equal(scanner.atBoundary, false);
  });
});
