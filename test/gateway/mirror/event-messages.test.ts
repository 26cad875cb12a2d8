// Events read as a browser reads them, however their bytes are cut.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { createEventReader } from '../../../gateway/mirror/event-messages.ts';

const MAX = 1_000;
const read = (...parts: string[]) => {
  const reader = createEventReader(MAX);
  return parts.flatMap((part) => reader.push(Buffer.from(part)));
};

describe('events', () => {
  for (const [name, end] of [
    ['LF', '\n'],
    ['CRLF', '\r\n'],
    ['CR', '\r'],
  ] as const) {
    test(`with lines that end in ${name}`, () => {
      const text = ['event: tick', 'id: 7', 'data: {"a":', 'data: 1}', '', 'data', '', ':', ''].join(end);
      assert.deepEqual(read(`${text}${end}x`), [
        { event: 'tick', id: '7', data: '{"a":\n1}' },
        { event: 'message', id: undefined, data: '' },
      ]);
    });
  }

  test('without data, comments and unknown fields are none', () => {
    assert.deepEqual(read(': hello\n\nevent: x\n\nretry: 5\nfoo: bar\n\n'), []);
  });

  test('lose one space behind the colon, and no more', () => {
    assert.deepEqual(read('data:  a\ndata:b\nid:\n\n'), [{ event: 'message', id: '', data: ' a\nb' }]);
  });

  test('larger than may be kept are left out and counted, and the next one is read', () => {
    const reader = createEventReader(MAX);
    const events = ['data: ', ...Array.from({ length: 50 }, () => 'x'.repeat(100)), '\n\ndata: ok\n\n'].flatMap(
      (part) => reader.push(Buffer.from(part)),
    );
    assert.deepEqual(events, [{ event: 'message', id: undefined, data: 'ok' }]);
    assert.equal(reader.dropped, 1);
  });

  test('cut anywhere, then the same', () => {
    const text = '\ufeffevent: \u00e4\r\nid: 1\r\ndata: \u20ac\r\rdata: b\n\ndata: c\r\n\r\n';
    const bytes = Buffer.from(text);
    const whole = read(text);
    assert.equal(whole.length, 3);
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 8 }), (places) => {
        const at = [...new Set([0, ...places, bytes.length])].sort((a, b) => a - b);
        const reader = createEventReader(MAX);
        const events = at.slice(1).flatMap((end, i) => reader.push(bytes.subarray(at[i], end)));
        // A CR at the very end is only known to be a line's end by what follows it.
        assert.deepEqual([...events, ...reader.push(Buffer.from('x'))], whole);
      }),
    );
  });
});
