// Where a tap leaves what it hears until there is time to read it: after everything that is due for clients. Bounded.
import type { StreamTap } from '../proxy/stream-tap.ts';

/** What may lie unread of one stream. */
const UNREAD_BYTES_MAX = 1_048_576;
/** What is read in one turn of the event loop. */
const TURN_BYTES_MAX = 131_072;

export interface IntakeReader {
  fromServer(chunk: Buffer, atMs: number): void;
  /** Undefined where nobody wants to know what the client says. */
  readonly fromClient: ((chunk: Buffer, atMs: number) => void) | undefined;
  /** More has come than may lie unread; nothing more will be read. */
  behind(): void;
  /** The stream is over, and all of it has been read. */
  closed(): void;
}

interface Unread {
  readonly chunk: Buffer;
  readonly atMs: number;
  readonly read: (chunk: Buffer, atMs: number) => void;
}

export interface Intake extends StreamTap {
  /** Forgets what is unread, and takes nothing more. */
  stop(): void;
}

export function createIntake(reader: IntakeReader, nowMs: () => number): Intake {
  const unread: Unread[] = [];
  let bytes = 0;
  let isClosed = false;
  let isStopped = false;
  let isPlanned = false;

  function stop(): void {
    isStopped = true;
    unread.length = 0;
    bytes = 0;
  }

  function plan(): void {
    if (isPlanned || isStopped) return;
    isPlanned = true;
    setImmediate(turn);
  }

  function turn(): void {
    isPlanned = false;
    let left = TURN_BYTES_MAX;
    while (left > 0) {
      const next = unread.shift();
      if (!next) break;
      bytes -= next.chunk.length;
      left -= next.chunk.length;
      next.read(next.chunk, next.atMs);
    }
    if (unread.length > 0) plan();
    else if (isClosed && !isStopped) {
      stop();
      reader.closed();
    }
  }

  function take(chunk: Buffer, read: Unread['read']): void {
    if (isStopped || isClosed || chunk.length === 0) return;
    if (bytes + chunk.length > UNREAD_BYTES_MAX) {
      stop();
      reader.behind();
      return;
    }
    bytes += chunk.length;
    unread.push({ chunk: Buffer.from(chunk), atMs: nowMs(), read });
    plan();
  }

  return {
    fromServer: (chunk) => take(chunk, reader.fromServer),
    fromClient: (chunk) => {
      if (reader.fromClient) take(chunk, reader.fromClient);
    },
    closed() {
      isClosed = true;
      plan();
    },
    stop,
  };
}
