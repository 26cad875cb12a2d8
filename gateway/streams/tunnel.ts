// An open WebSocket: bytes from each peer to the other, untouched, and an orderly end when the gateway wants one.
//
//   client ──(up)──▶ gateway ──(up)──▶ upstream        client ◀─(down)── gateway ◀─(down)── upstream
import type { Duplex } from 'node:stream';
import { endAndLinger } from '../proxy/linger.ts';
import { writeReleased } from '../upstream/write-released.ts';
import { type CloseCode, closeFrame, maskedCloseFrame } from './close-frame.ts';
import { type ClosePlan, IDLE_CLOSE } from './flip-policy.ts';
import { createFrameScanner } from './frame-scanner.ts';
import { breakOff, cutEnd, prepareEnd } from './tunnel-end.ts';

/** After one peer has finished sending, the other may be quiet for this long before the stream is given up. */
const HALF_OPEN_MS = 30_000;

export interface TunnelEnds {
  readonly client: Duplex;
  readonly upstream: Duplex;
  /** What the client sent before the upgrade was through. */
  readonly early: Buffer;
  readonly idleTimeoutMs: number | undefined;
}

export interface TunnelResult {
  readonly bytesUp: number;
  readonly bytesDown: number;
  /** Who ended the stream first. */
  readonly endedBy: 'client' | 'upstream' | 'gateway';
}

export interface Tunnel {
  /**
   * Ends the stream in an orderly way: the client gets a Close frame at the next frame boundary, its own Close is passed
   * on to the upstream, and then both connections end. What is not over after `deadlineMs` is cut. Only the first call counts.
   */
  close(how: Pick<ClosePlan, 'code' | 'deadlineMs'>): void;
}

/** Joins the two ends until both are closed; then calls `closed` once. */
export function openTunnel(ends: TunnelEnds, closed: (result: TunnelResult) => void): Tunnel {
  return new OpenTunnel(ends, closed);
}

class OpenTunnel implements Tunnel {
  readonly #client: Duplex;
  readonly #upstream: Duplex;
  readonly #closed: (result: TunnelResult) => void;
  readonly #up = createFrameScanner();
  readonly #down = createFrameScanner();
  readonly #idle: NodeJS.Timeout | undefined;
  #halfOpen: NodeJS.Timeout | undefined;
  #deadline: NodeJS.Timeout | undefined;
  /** The code of the close that the gateway wants, from when it wants it. */
  #wanted: CloseCode | undefined;
  /** Whether our Close has gone to the client. */
  #saidGoodbye = false;
  #endedBy: TunnelResult['endedBy'] | undefined;
  #bytesUp = 0;
  #bytesDown = 0;

  constructor({ client, upstream, early, idleTimeoutMs }: TunnelEnds, closed: (result: TunnelResult) => void) {
    this.#client = client;
    this.#upstream = upstream;
    this.#closed = closed;
    if (idleTimeoutMs !== undefined) this.#idle = setTimeout(() => this.close(IDLE_CLOSE), idleTimeoutMs);
    this.#join(client, upstream, 'client');
    this.#join(upstream, client, 'upstream');
    client.on('data', (chunk: Buffer) => this.#relayUp(chunk));
    upstream.on('data', (chunk: Buffer) => this.#relayDown(chunk));
    if (early.length > 0) this.#relayUp(early);
    client.resume();
    upstream.resume();
  }

  close({ code, deadlineMs }: Pick<ClosePlan, 'code' | 'deadlineMs'>): void {
    if (this.#wanted) return;
    this.#wanted = code;
    this.#deadline = setTimeout(() => this.#cut(), deadlineMs);
    this.#sayGoodbye();
    this.#endIfLeaving();
  }

  #join(from: Duplex, to: Duplex, name: 'client' | 'upstream'): void {
    prepareEnd(from);
    to.on('drain', () => from.resume());
    from.on('error', () => {}); // A 'close' follows.
    from.on('end', () => {
      this.#endedBy ??= name;
      this.#halfOpen ??= setTimeout(() => this.#cut(), HALF_OPEN_MS);
      to.end();
      if (this.#wanted) this.#endIfLeaving();
    });
    from.on('close', () => {
      this.#endedBy ??= name;
      if (to.destroyed) this.#settle(this.#endedBy);
      else if (from.readableEnded || to.writableEnded) endAndLinger(to);
      else breakOff(to);
    });
  }

  #relayUp(chunk: Buffer): void {
    this.#moved();
    this.#bytesUp += chunk.length;
    pass(chunk, this.#client, this.#upstream);
    this.#up.push(chunk);
    // The client has answered our Close, and the upstream has that answer: as the server we end the connection first.
    if (this.#saidGoodbye && this.#up.closeSeen) this.#endBoth();
  }

  #relayDown(chunk: Buffer): void {
    this.#moved();
    if (!this.#wanted) {
      this.#bytesDown += chunk.length;
      pass(chunk, this.#upstream, this.#client);
      this.#down.push(chunk); // After the kernel has read it: by then it is in the processor's cache (measured).
      return;
    }
    // Frame by frame, until ours can go between two of them; after it the client takes nothing more (RFC 6455 section 5.5.1).
    for (let at = 0; at < chunk.length && !this.#saidGoodbye; this.#sayGoodbye()) {
      const length = this.#down.pushToBoundary(chunk.subarray(at));
      pass(chunk.subarray(at, at + length), this.#upstream, this.#client);
      this.#bytesDown += length;
      at += length;
    }
  }

  #moved(): void {
    this.#idle?.refresh();
    this.#halfOpen?.refresh();
  }

  #sayGoodbye(): void {
    if (!this.#wanted || this.#saidGoodbye || !this.#down.atBoundary || this.#client.writableEnded) return;
    // A peer that is closing already will be answered by the other; two Close frames would be one too many.
    if (this.#down.closeSeen || this.#up.closeSeen) return;
    this.#saidGoodbye = true;
    this.#endedBy ??= 'gateway';
    this.#client.write(closeFrame(this.#wanted));
  }

  /** A client that has finished sending cannot answer a Close: there is nothing to wait for. */
  #endIfLeaving(): void {
    if (this.#client.readableEnded) this.#endBoth();
  }

  #endBoth(): void {
    endAndLinger(this.#client);
    endAndLinger(this.#upstream);
  }

  /** Ends what would not end by itself. The upstream still learns why, when it can. */
  #cut(): void {
    this.#endedBy ??= 'gateway';
    const mayTell = this.#wanted && !this.#up.closeSeen && this.#up.atBoundary && this.#upstream.writable;
    if (this.#wanted && mayTell) this.#upstream.write(maskedCloseFrame(this.#wanted));
    endAndLinger(this.#upstream);
    cutEnd(this.#client);
  }

  #settle(endedBy: TunnelResult['endedBy']): void {
    for (const timer of [this.#idle, this.#deadline, this.#halfOpen]) clearTimeout(timer);
    this.#closed({ bytesUp: this.#bytesUp, bytesDown: this.#bytesDown, endedBy });
  }
}

/**
 * Passes bytes on; a reader that is slower than the writer stops the writer. What counts is what the reader's socket has not
 * taken: a large chunk that went out at once is answered false by `write` all the same, and stopping for it costs more than
 * passing it.
 */
function pass(chunk: Buffer, from: Duplex, to: Duplex): void {
  if (to.writableEnded || to.destroyed) return;
  writeReleased(to, chunk);
  if (to.writableLength >= to.writableHighWaterMark) from.pause();
}
