// A stream as it means rather than as it was sent: its content codings undone while it comes, for comparing only.
import type { Transform } from 'node:stream';
import { unpackersOf } from './decode.ts';

/** What may wait to be unpacked of one stream. */
const WAITING_BYTES_MAX = 1_048_576;

export interface StreamDecoder {
  /** Takes the next bytes, and keeps them until they are unpacked. `atMs` says when they came. */
  push(chunk: Buffer, atMs: number): void;
  /** Nothing more comes; `then` is called when all of it has been unpacked. */
  end(then: () => void): void;
  /** Forgets what waits, and calls nobody any more. */
  close(): void;
}

export interface DecodedTo {
  data(chunk: Buffer, atMs: number): void;
  /** It is not in its coding. */
  broken(): void;
  /** More waits to be unpacked than may. */
  behind(): void;
}

/** Undefined where a coding is unknown. */
export function createStreamDecoder(contentEncoding: string | undefined, to: DecodedTo): StreamDecoder | undefined {
  const unpackers = unpackersOf(contentEncoding);
  if (!unpackers) return undefined;
  return unpackers.reduceRight<StreamDecoder>((next, unpack) => new Unpacking(unpack(), next, to), {
    push: to.data,
    end: (then) => then(),
    close() {},
  });
}

interface Waiting {
  readonly chunk: Buffer;
  readonly atMs: number;
}

/** One coding undone. Chunk by chunk, so that it is known when what comes out has come in. */
class Unpacking implements StreamDecoder {
  readonly #unpacker: Transform;
  readonly #next: StreamDecoder;
  readonly #to: DecodedTo;
  readonly #waiting: Waiting[] = [];
  #bytes = 0;
  #atMs = 0;
  #isBusy = false;
  #isOver = false;
  #then: (() => void) | undefined;

  constructor(unpacker: Transform, next: StreamDecoder, to: DecodedTo) {
    this.#unpacker = unpacker;
    this.#next = next;
    this.#to = to;
    unpacker.on('data', (chunk: Buffer) => {
      if (!this.#isOver) next.push(chunk, this.#atMs);
    });
    unpacker.on('error', () => {
      if (this.#isOver) return;
      this.close();
      to.broken();
    });
  }

  push(chunk: Buffer, atMs: number): void {
    if (this.#isOver) return;
    this.#bytes += chunk.length;
    if (this.#bytes > WAITING_BYTES_MAX) {
      this.close();
      this.#to.behind();
      return;
    }
    this.#waiting.push({ chunk, atMs });
    this.#work();
  }

  end(then: () => void): void {
    this.#then = then;
    this.#work();
  }

  close(): void {
    this.#isOver = true;
    this.#waiting.length = 0;
    this.#unpacker.destroy();
    this.#next.close();
  }

  #work(): void {
    if (this.#isBusy || this.#isOver) return;
    const next = this.#waiting.shift();
    if (!next) {
      const then = this.#then;
      if (then) this.#next.end(then);
      return;
    }
    this.#isBusy = true;
    this.#atMs = next.atMs;
    this.#unpacker.write(next.chunk, () => {
      this.#isBusy = false;
      this.#bytes -= next.chunk.length;
      this.#work();
    });
  }
}
