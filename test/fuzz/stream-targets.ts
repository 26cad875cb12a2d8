// Targets that read streams: whatever way the bytes are cut into parts, the same comes out.
import assert from 'node:assert/strict';
import { createEventReader } from '../../gateway/mirror/event-messages.ts';
import { createSocketReader, Unreadable } from '../../gateway/mirror/socket-messages.ts';
import { createEventScanner } from '../../gateway/streams/event-scanner.ts';
import { createFrameScanner } from '../../gateway/streams/frame-scanner.ts';
import { ResponseError } from '../../gateway/upstream/response-head.ts';
import { ResponseParser } from '../../gateway/upstream/response-parser.ts';
import type { FuzzTarget } from './fuzz.ts';

const MESSAGE_MAX = 2_048;

/** The input in parts, none of them empty. */
function cut(input: Buffer, random: () => number): Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < input.length; ) {
    const next = at + 1 + Math.floor(random() * random() * 40);
    parts.push(input.subarray(at, next));
    at = next;
  }
  return parts;
}

/** A scanner told where to stop comes to the same end as one that is not. */
interface Scanner {
  readonly atBoundary: boolean;
  readonly closeSeen?: boolean;
  push(chunk: Uint8Array): void;
  pushToBoundary(chunk: Uint8Array): number;
}
const stateOf = ({ atBoundary, closeSeen }: Scanner) => ({ atBoundary, closeSeen });

function assertScans(create: () => Scanner, input: Buffer, random: () => number): void {
  const [whole, inParts, stopping] = [create(), create(), create()];
  whole.push(input);
  for (const part of cut(input, random)) inParts.push(part);
  for (let at = 0; at < input.length; ) {
    const taken = stopping.pushToBoundary(input.subarray(at));
    assert.ok(taken > 0, 'a scanner takes something of what there is');
    at += taken;
  }
  assert.deepEqual(stateOf(inParts), stateOf(whole));
  assert.deepEqual(stateOf(stopping), stateOf(whole));
}

const text = [0x81, 0x02, 0x68, 0x69];
const masked = [0x82, 0x83, 1, 2, 3, 4, 5, 6, 7];
const long = [0x01, 126, 0, 3, 1, 2, 3, 0x80, 0x00];

const frames: FuzzTarget = {
  name: 'frames',
  seeds: [
    Uint8Array.from([...text, ...masked, ...long, 0x88, 0x02, 3, 232]),
    Uint8Array.from([0xc1, 3, 0xcb, 0x48, 0]),
  ],
  tokens: ['\x88\x00', '\x89\x00', '\x81\x7e\x00\x05', '\x82\x7f\x00\x00\x00\x00\x00\x00\x00\x01', '\xc1', '\x80\x00'],
  run(input, random) {
    assertScans(createFrameScanner, input, random);
    const read = (parts: readonly Buffer[]) => {
      const reader = createSocketReader(MESSAGE_MAX);
      const messages: string[] = [];
      try {
        for (const part of parts) {
          messages.push(...reader.push(part).map(({ data, isBinary }) => `${isBinary} ${data.toString('hex')}`));
        }
        return { messages, isReadable: true };
      } catch (error) {
        assert.ok(error instanceof Unreadable, String(error));
        return { messages, isReadable: false };
      }
    };
    // What came before a break is only known part by part.
    const [whole, inParts] = [read([input]), read(cut(input, random))];
    assert.equal(inParts.isReadable, whole.isReadable);
    if (whole.isReadable) assert.deepEqual(inParts.messages, whole.messages);
  },
};

const events: FuzzTarget = {
  name: 'events',
  seeds: [
    'event: price\nid: 7\ndata: {"a":1}\n\n: comment\r\ndata: x\r\ndata\r\n\r\n',
    '\xef\xbb\xbfdata:\r\rretry: 5\n\n',
  ],
  tokens: ['\r', '\n', '\r\n', 'data: ', 'id\x00: 1', ':', '\xff', '\xe2\x82'],
  run(input, random) {
    assertScans(createEventScanner, input, random);
    const read = (parts: readonly Buffer[]) => {
      const reader = createEventReader(MESSAGE_MAX);
      const found = parts.flatMap((part) => reader.push(part));
      return { found, dropped: reader.dropped };
    };
    assert.deepEqual(read(cut(input, random)), read([input]));
  },
};

const answers: FuzzTarget = {
  name: 'answers',
  seeds: [
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    'HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: x\r\n\r\n2;a=b\r\nok\r\n0\r\nx: y\r\n\r\n',
  ],
  tokens: [
    '\r\n',
    '\n',
    'Content-Length: 2\r\n',
    'Transfer-Encoding: chunked\r\n',
    'ffffffff',
    '0\r\n\r\n',
    ' ',
    '\x00',
  ],
  run(input, random) {
    const parse = (parts: readonly Buffer[]) => {
      const heard = {
        heads: 0,
        body: '',
        trailers: undefined as readonly string[] | undefined,
        taken: 0,
        isHttp: true,
      };
      const parser = new ResponseParser({
        onInterim: () => heard.heads++,
        onHead: () => heard.heads++,
        onData(part) {
          heard.body += part.toString('latin1');
        },
        onEnd(trailers) {
          heard.trailers = trailers;
        },
      });
      parser.begin('GET');
      try {
        for (const part of parts) heard.taken += parser.feed(part);
      } catch (error) {
        assert.ok(error instanceof ResponseError, String(error));
        return { isHttp: false };
      }
      return heard;
    };
    assert.deepEqual(parse(cut(input, random)), parse([input]));
  },
};

export const STREAM_TARGETS: readonly FuzzTarget[] = [frames, events, answers];
