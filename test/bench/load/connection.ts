// One keep-alive connection of the generator: asks, reads one answer, says whether it was the right one.
import { connect, type Socket } from 'node:net';

const HEAD_END = Buffer.from('\r\n\r\n');
const LINE_END = Buffer.from('\r\n');
const CHUNKS_END = Buffer.from('\r\n0\r\n\r\n');
const CONTENT_LENGTH = /\r\ncontent-length: *(\d+)/i;

export interface LoadConnection {
  /** Sends a request; `dueAt` comes back with its answer. One at a time. */
  ask(request: Buffer, dueAt: number): void;
}

export interface ConnectionOptions {
  readonly host: string;
  readonly port: number;
  /** The body of every right answer. */
  readonly expected: Buffer;
  /** Called once for each request: whether a 200 with exactly the expected bytes came back. */
  readonly onAnswer: (connection: LoadConnection, dueAt: number, ok: boolean) => void;
}

interface Reading {
  head: Buffer | undefined;
  ok: boolean;
  /** Bytes of the body so far, and in all; -1 before the head has come, and where the answer does not say. */
  read: number;
  length: number;
  /** The last bytes of a chunked body; at first the line end before it. */
  tail: Buffer;
}

const newReading = (): Reading => ({ head: undefined, ok: false, read: -1, length: -1, tail: LINE_END });

export function openConnection({ host, port, expected, onAnswer }: ConnectionOptions): LoadConnection {
  let socket: Socket | undefined;
  let dueAt: number | undefined;
  let reading = newReading();

  const connection: LoadConnection = {
    ask(request, due) {
      dueAt = due;
      reading = newReading();
      socket ??= open();
      socket.write(request);
    },
  };

  /** Ends the request under way; the callback may ask again at once. */
  function settle(ok: boolean): void {
    const due = dueAt;
    dueAt = undefined;
    if (due !== undefined) onAnswer(connection, due, ok);
  }

  function open(): Socket {
    const opened = connect({ host, port, noDelay: true });
    opened.on('error', () => {}); // 'close' follows.
    opened.on('close', () => {
      if (socket === opened) socket = undefined;
      // Not at once: a target that refuses would be asked again in an endless loop without a breath.
      if (dueAt !== undefined) setTimeout(() => settle(false), 1);
    });
    opened.on('data', (chunk: Buffer) => {
      if (dueAt !== undefined && readAnswer(reading, chunk, expected)) settle(reading.ok);
    });
    return opened;
  }
  return connection;
}

/** Reads on; true when the answer is complete. */
function readAnswer(reading: Reading, arrived: Buffer, expected: Buffer): boolean {
  let chunk = arrived;
  if (reading.read < 0) {
    const data = reading.head ? Buffer.concat([reading.head, chunk]) : chunk;
    const end = data.indexOf(HEAD_END);
    if (end < 0) {
      reading.head = data;
      return false;
    }
    const head = data.toString('latin1', 0, end + 2);
    const length = CONTENT_LENGTH.exec(head)?.[1];
    reading.ok = head.startsWith('HTTP/1.1 200');
    reading.length = length === undefined ? -1 : Number(length);
    reading.read = 0;
    chunk = data.subarray(end + HEAD_END.length);
  }
  if (reading.length < 0) {
    // A chunked answer is only followed to its end, whose bytes may come in parts; its framing is not taken apart.
    reading.tail = Buffer.concat([reading.tail, chunk]).subarray(-CHUNKS_END.length);
    return reading.tail.equals(CHUNKS_END);
  }
  const from = reading.read;
  reading.read += chunk.length;
  if (reading.ok && (reading.read > expected.length || chunk.compare(expected, from, reading.read) !== 0)) {
    reading.ok = false;
  }
  return reading.read >= reading.length;
}
