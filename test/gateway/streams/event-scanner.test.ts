import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createEventScanner } from '../../../gateway/streams/event-scanner.ts';

/** Where events end in a text, found by splitting it into lines at once: LF, CR and CRLF end a line. */
function boundariesOf(stream: string): Set<number> {
  const ends = new Set([0]);
  for (const { 0: line, index } of stream.matchAll(/([^\r\n]*)(\r\n|\r|\n)/g)) {
    const [, content, end = ''] = /^([^\r\n]*)(\r\n|\r|\n)$/.exec(line) ?? [];
    if (content !== '') continue;
    ends.add(index + line.length);
    // Behind the CR of a CRLF the line has ended already, as far as anybody can know by then.
    if (end === '\r\n') ends.add(index + 1);
  }
  return ends;
}

const streams = fc.stringMatching(/^[a:\r\n]{0,40}$/);

describe('the event scanner', () => {
  it('given any lines in any chunks, is at a boundary exactly behind a blank line', () => {
    fc.assert(
      fc.property(streams, fc.array(fc.nat(40), { maxLength: 12 }), (stream, cuts) => {
        const scanner = createEventScanner();
        const boundaries = boundariesOf(stream);
        const ends = [...cuts.filter((cut) => cut < stream.length), stream.length].sort((a, b) => a - b);
        let at = 0;
        for (const end of ends) {
          scanner.push(Buffer.from(stream.slice(at, end)));
          at = end;
          assert.equal(scanner.atBoundary, boundaries.has(at), `at ${at} of ${JSON.stringify(stream)}`);
        }
      }),
      { numRuns: 2_000 },
    );
  });

  it('asked to stop, stops behind the first blank line, with the LF of its CRLF', () => {
    for (const [first, rest] of [
      ['data: 1\n\n', 'data: 2\n\n'],
      ['id: 7\r\ndata: 1\r\n\r\n', ': x\r\n\r\n'],
      ['data: 1\r\r', 'data'],
      [': heartbeat\n\n', ''],
    ] as const) {
      const scanner = createEventScanner();
      assert.equal(scanner.pushToBoundary(Buffer.from(first + rest)), first.length);
      assert.equal(scanner.atBoundary, true);
    }
  });

  it('asked to stop where no event ends, takes everything', () => {
    const scanner = createEventScanner();
    assert.equal(scanner.pushToBoundary(Buffer.from('data: 1\n')), 8);
    assert.equal(scanner.atBoundary, false);
    assert.equal(scanner.pushToBoundary(Buffer.from('\ndata: 2')), 1);
    assert.equal(scanner.atBoundary, true);
  });
});
