// Ready-made answers of the stand-in upstream: it must cost so little that the proxies are what is measured.
import { bodyOf, type Spelling, type Workload } from '../workload.ts';

/** The large body, and the unit it is written in. */
export const BIG_BODY_BYTES = 100 * 1024 * 1024;
const BIG_CHUNK = Buffer.alloc(64 * 1024, 'banyan ');

export interface Answers {
  readonly order: Buffer;
  readonly list: Buffer;
  readonly uploaded: Buffer;
  readonly bigHead: Buffer;
  readonly bigChunk: Buffer;
}

export function answersOf(spelling: Spelling): Answers {
  return {
    order: jsonAnswer('order', spelling),
    list: jsonAnswer('list', spelling),
    uploaded: Buffer.from(`${head('application/json', 2)}{}`),
    bigHead: Buffer.from(head('application/octet-stream', BIG_BODY_BYTES)),
    bigChunk: BIG_CHUNK,
  };
}

function jsonAnswer(workload: Workload, spelling: Spelling): Buffer {
  const body = bodyOf(workload, spelling);
  return Buffer.from(head('application/json', Buffer.byteLength(body)) + body);
}

function head(type: string, length: number): string {
  return `HTTP/1.1 200 OK\r\nserver: upstream\r\ndate: Mon, 05 Jan 2026 10:00:00 GMT\r\ncontent-type: ${type}\r\ncontent-length: ${length}\r\n\r\n`;
}
