// One direction of a WebSocket as messages: fragments, masks, compression, and what no peer may send.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { constants, deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { createSocketReader, Unreadable } from '../../../gateway/mirror/socket-messages.ts';
import { close, type FrameSpec, frame, text } from '../streams/frames.ts';

const MAX = 1_000;

function read(...chunks: readonly Buffer[]): [string, boolean][] {
  const reader = createSocketReader(MAX);
  return chunks.flatMap((chunk) =>
    reader.push(chunk).map(({ data, isBinary }): [string, boolean] => [data.toString(), isBinary]),
  );
}

/** RFC 7692 section 7.2.1, without context takeover unless `before` was sent already. */
function deflated(message: string, before = ''): Buffer {
  const options = { finishFlush: constants.Z_SYNC_FLUSH, ...(before ? { dictionary: Buffer.from(before) } : {}) };
  return deflateRawSync(Buffer.from(message), options).subarray(0, -4);
}

function compressed(spec: FrameSpec): Buffer {
  const bytes = frame(spec);
  bytes.writeUInt8(bytes.readUInt8(0) | 0x40, 0);
  return bytes;
}

const hello = (payload: string, opcode: number, fin: boolean) => frame({ opcode, payload: Buffer.from(payload), fin });

describe('messages of a WebSocket', () => {
  test('are texts and binaries, masked or not, in any spelling of their length', () => {
    assert.deepEqual(read(text('a'), text('b', true)), [
      ['a', false],
      ['b', false],
    ]);
    const long = 'x'.repeat(200);
    assert.deepEqual(read(frame({ opcode: 2, payload: Buffer.from(long) })), [[long, true]]);
    assert.deepEqual(read(frame({ opcode: 1, payload: Buffer.from('a'), lengthBytes: 8 })), [['a', false]]);
  });

  test('are whole where they came in fragments, with control frames between them', () => {
    const ping = frame({ opcode: 9, payload: Buffer.from('?') });
    assert.deepEqual(read(hello('he', 1, false), ping, hello('l', 0, false), hello('lo', 0, true), close(1000)), [
      ['hello', false],
    ]);
  });

  test('are decompressed, each with what came before as its dictionary', () => {
    const [first, second] = ['{"price":1,"symbol":"BTCUSDT"}', '{"price":2,"symbol":"BTCUSDT"}'];
    const frames = [
      compressed({ opcode: 1, payload: deflated(first) }),
      text('plain'),
      compressed({ opcode: 1, payload: deflated(second, first) }),
      compressed({ opcode: 1, payload: deflated(first) }),
    ];
    assert.ok(deflated(second, first).length < deflated(second).length);
    assert.deepEqual(
      read(...frames).map(([data]) => data),
      [first, 'plain', second, first],
    );
  });

  test('cut anywhere are the same', () => {
    const stream = Buffer.concat([
      text('one', true),
      hello('tw', 1, false),
      hello('o', 0, true),
      compressed({ opcode: 2, payload: deflated('three') }),
      text(''),
    ]);
    const whole = read(stream);
    assert.deepEqual(
      whole.map(([data]) => data),
      ['one', 'two', 'three', ''],
    );
    fc.assert(
      fc.property(fc.array(fc.nat(stream.length), { maxLength: 8 }), (cuts) => {
        const at = [0, ...cuts.toSorted((a, b) => a - b), stream.length];
        const chunks = at.slice(1).map((end, index) => stream.subarray(at[index], end));
        assert.deepEqual(read(...chunks), whole);
      }),
    );
  });

  const unreadable: Readonly<Record<string, readonly Buffer[]>> = {
    'a message that is too large': [frame({ opcode: 1, payload: Buffer.alloc(MAX + 1) })],
    'one that says so and sends nothing': [Buffer.from([0x81, 127, 255, 255, 255, 255, 255, 255, 255, 255])],
    'fragments that are too large together': [
      frame({ opcode: 1, payload: Buffer.alloc(600), fin: false }),
      frame({ opcode: 0, payload: Buffer.alloc(600), fin: false }),
    ],
    'fragments without end': [hello('', 1, false), ...Array.from({ length: 2_000 }, () => hello('', 0, false))],
    'a fragment of nothing': [hello('x', 0, true)],
    'a message within a message': [hello('x', 1, false), hello('y', 1, true)],
    'a control frame with a message in it': [frame({ opcode: 9, payload: Buffer.alloc(126) })],
    'a frame of a kind that there is not': [hello('x', 3, true)],
    'a bomb': [compressed({ opcode: 1, payload: deflated('0'.repeat(100_000)) })],
    'compression that is none': [compressed({ opcode: 1, payload: Buffer.from([0xff, 0xff, 0xff]) })],
  };
  for (const [name, chunks] of Object.entries(unreadable)) {
    test(`with ${name} cannot be read`, () => assert.throws(() => read(...chunks), Unreadable));
  }
});
