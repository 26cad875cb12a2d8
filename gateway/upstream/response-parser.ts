// Answers as they come off a connection, part by part. Knows nothing of sockets; takes nothing that is in doubt.
import { areFieldLines, parseHead, ResponseError, type ResponseHead, splitFieldLines } from './response-head.ts';

/** Heads and trailer sections above this are refused. */
export const HEAD_BYTES_MAX = 65_536;
/** A chunk's size line with its extensions, which nobody uses for anything good. */
const CHUNK_LINE_BYTES_MAX = 4_096;
/** Extensions of all chunks of an answer together: an endless stream of them would be work for nothing. */
const CHUNK_EXTENSION_BYTES_MAX = 1_048_576;
/** Interim answers to one request. */
const INTERIM_MAX = 32;

const PROTOCOL = 'HTTP/1.';
const BARE_LF = /[^\r]\n/;
const EMPTY = Buffer.alloc(0);
const CRLF = Buffer.from('\r\n');
const END_OF_HEAD = Buffer.from('\r\n\r\n');
/** RFC 9112 section 7.1. Extensions are of visible characters, spaces and what lies above ASCII. */
const CHUNK_LINE = /^([0-9A-Fa-f]{1,13})[\t ]*(?:;[\t\x20-\x7e\x80-\xff]*)?$/;
/** These would frame a message that is over already (RFC 9110 section 6.5.1). */
const FRAMING_TRAILER = /^(?:content-length|transfer-encoding)$/i;

/** A part of an answer that is read as a whole, up to its mark. */
interface Section {
  readonly mark: Buffer;
  readonly bytesMax: number;
  readonly name: string;
}

const HEAD: Section = { mark: END_OF_HEAD, bytesMax: HEAD_BYTES_MAX, name: 'the head' };
const CHUNK_SIZE: Section = { mark: CRLF, bytesMax: CHUNK_LINE_BYTES_MAX, name: "a chunk's size line" };
const TRAILERS: Section = { mark: END_OF_HEAD, bytesMax: HEAD_BYTES_MAX, name: 'the trailer section' };
const NO_TRAILER: Section = { ...TRAILERS, mark: CRLF };

export interface ResponseSink {
  onInterim(head: ResponseHead): void;
  onHead(head: ResponseHead): void;
  onData(part: Buffer): void;
  onEnd(trailers: readonly string[]): void;
}

type State = 'idle' | 'head' | 'body' | 'until-close' | 'chunk-line' | 'chunk' | 'chunk-end' | 'trailers';

export class ResponseParser {
  readonly #sink: ResponseSink;
  #state: State = 'idle';
  #method = '';
  /** What has come of a head, a chunk's line or a trailer section that is not whole yet. */
  #partial: Buffer | undefined;
  /** Bytes of body, or of a chunk, still to come. */
  #left = 0;
  #interim = 0;
  #extensionBytes = 0;

  constructor(sink: ResponseSink) {
    this.#sink = sink;
  }

  /** Expects the answer to a request of this method. */
  begin(method: string): void {
    this.#state = 'head';
    this.#method = method;
    this.#interim = 0;
    this.#extensionBytes = 0;
  }

  /**
   * Takes what came. Answers how many bytes of it belong to the answer: fewer than all when the answer ended before.
   * @throws ResponseError when it is not HTTP; then the connection is of no more use.
   */
  feed(received: Buffer): number {
    let at = 0;
    while (at < received.length) {
      if (this.#state === 'idle') return at;
      at = this.#step(received, at);
    }
    return at;
  }

  /** The connection has ended in an orderly way: whether the answer did as well. */
  finish(): boolean {
    if (this.#state !== 'until-close') return false;
    this.#end([]);
    return true;
  }

  #step(received: Buffer, at: number): number {
    switch (this.#state) {
      case 'head':
        return this.#head(received, at);
      case 'body':
        return this.#body(received, at);
      case 'until-close':
        this.#sink.onData(at === 0 ? received : received.subarray(at));
        return received.length;
      case 'chunk-line':
        return this.#chunkLine(received, at);
      case 'chunk':
        return this.#chunk(received, at);
      case 'chunk-end':
        return this.#chunkEnd(received, at);
      default:
        return this.#trailers(received, at);
    }
  }

  #head(received: Buffer, from: number): number {
    // Empty lines before an answer: some servers send one too many (RFC 9112 section 2.2 allows the same of clients).
    let at = from;
    if (this.#partial === undefined) {
      while (at < received.length && (received[at] === 13 || received[at] === 10) && at - from < 8) at++;
      if (at === received.length) return at;
    }
    const section = this.#section(received, at, HEAD);
    if (section === undefined) {
      this.#checkPartialHead(received.length - at);
      return received.length;
    }
    const head = parseHead(section.text, this.#method);
    if (head.status < 200) {
      if (head.status === 101) throw new ResponseError('101 (Switching Protocols) was not asked for');
      if (++this.#interim > INTERIM_MAX) throw new ResponseError('there are too many interim answers');
      this.#sink.onInterim(head);
      return section.end;
    }
    this.#sink.onHead(head);
    const { framing } = head;
    if (framing === 'chunked') this.#state = 'chunk-line';
    else if (framing === 'close') this.#state = 'until-close';
    else if (framing === 0) this.#end([]);
    else {
      this.#state = 'body';
      this.#left = framing;
    }
    return section.end;
  }

  /** What is no HTTP may never send what ends a head: it is told by how it begins, and by its line ends. */
  #checkPartialHead(newBytes: number): void {
    const begun = this.#partial ?? EMPTY;
    const recent = begun.toString('latin1', Math.max(0, begun.length - newBytes - 1));
    if (!PROTOCOL.startsWith(begun.toString('latin1', 0, PROTOCOL.length)) || BARE_LF.test(recent)) {
      throw new ResponseError('the answer does not begin as one of HTTP/1 does');
    }
  }

  #body(received: Buffer, at: number): number {
    const end = this.#pass(received, at);
    if (this.#left === 0) this.#end([]);
    return end;
  }

  #chunkLine(received: Buffer, at: number): number {
    const section = this.#section(received, at, CHUNK_SIZE);
    if (section === undefined) return received.length;
    const line = section.text.slice(0, -2);
    const digits = CHUNK_LINE.exec(line)?.[1];
    if (digits === undefined) throw new ResponseError("a chunk's size line is malformed");
    this.#extensionBytes += line.length - digits.length;
    if (this.#extensionBytes > CHUNK_EXTENSION_BYTES_MAX)
      throw new ResponseError('there are too many chunk extensions');
    this.#left = Number.parseInt(digits, 16);
    this.#state = this.#left === 0 ? 'trailers' : 'chunk';
    return section.end;
  }

  #chunk(received: Buffer, at: number): number {
    const end = this.#pass(received, at);
    if (this.#left === 0) {
      this.#left = CRLF.length;
      this.#state = 'chunk-end';
    }
    return end;
  }

  #chunkEnd(received: Buffer, at: number): number {
    if (received[at] !== CRLF[CRLF.length - this.#left]) throw new ResponseError('a chunk is longer than it says');
    if (--this.#left === 0) this.#state = 'chunk-line';
    return at + 1;
  }

  #trailers(received: Buffer, at: number): number {
    // Mostly there are none, and the section is an empty line.
    if (this.#partial === undefined && received[at] === 13 && received[at + 1] === 10) {
      this.#end([]);
      return at + 2;
    }
    // The empty line ends the section also where no field is before it.
    const isEmpty = this.#partial?.[0] === 13 || (this.#partial === undefined && received[at] === 13);
    const section = this.#section(received, at, isEmpty ? NO_TRAILER : TRAILERS);
    if (section === undefined) return received.length;
    const text = isEmpty ? section.text.slice(0, -2) : section.text;
    if (!areFieldLines(text)) throw new ResponseError('a trailer field is malformed');
    const trailers = splitFieldLines(text);
    if (trailers.some((name, i) => i % 2 === 0 && FRAMING_TRAILER.test(name))) {
      throw new ResponseError('a field that frames a message is among the trailers');
    }
    this.#end(trailers);
    return section.end;
  }

  /** Passes on what has come of the bytes that are left; answers where they end. */
  #pass(received: Buffer, at: number): number {
    const end = Math.min(received.length, at + this.#left);
    this.#left -= end - at;
    this.#sink.onData(at === 0 && end === received.length ? received : received.subarray(at, end));
    return end;
  }

  /**
   * The text up to and with the first CRLF of `mark`, once the whole mark has come; until then what has come is kept.
   */
  #section(received: Buffer, at: number, { mark, bytesMax, name }: Section): { text: string; end: number } | undefined {
    const before = this.#partial;
    const bytes = before ? Buffer.concat([before, received.subarray(at)]) : received;
    const from = before ? 0 : at;
    // What was looked through before holds at most the beginning of the mark.
    const found = bytes.indexOf(mark, before ? Math.max(0, before.length - mark.length + 1) : at);
    if ((found < 0 ? bytes.length : found) - from > bytesMax) throw new ResponseError(`${name} is too long`);
    if (found < 0) {
      this.#partial = before ? bytes : Buffer.from(bytes.subarray(at));
      return undefined;
    }
    this.#partial = undefined;
    const end = found + mark.length;
    return {
      text: bytes.toString('latin1', from, found + CRLF.length),
      end: before ? at + end - before.length : end,
    };
  }

  #end(trailers: readonly string[]): void {
    this.#state = 'idle';
    this.#sink.onEnd(trailers);
  }
}
