// One end of a tunnel: a socket, or a stream of HTTP/2 (RFC 8441). What they do alike is a Duplex's; here is where they differ.
import { constants, type Http2Stream } from 'node:http2';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { endAndLinger } from '../proxy/linger.ts';

/** Probes that find a peer which vanished without a word begin after this much silence. */
const KEEP_ALIVE_MS = 30_000;

/** Frames are sent as they come, and silence is allowed. Streams of HTTP/2 share a connection that is set up already. */
export function prepareEnd(end: Duplex): void {
  if (!(end instanceof Socket)) return;
  end.setTimeout(0);
  end.setNoDelay(true);
  end.setKeepAlive(true, KEEP_ALIVE_MS);
}

/** Cuts an end off at once: its peer sees that it was not closed. */
export function cutEnd(end: Duplex): void {
  if (isHttp2Stream(end)) end.close(constants.NGHTTP2_CANCEL);
  else end.destroy();
}

/**
 * Ends an end whose other one has vanished without finishing: its peer still gets what came before. RFC 8441 section 5: what
 * is a reset of a connection is a reset (CANCEL) of a stream.
 */
export function breakOff(end: Duplex): void {
  if (!isHttp2Stream(end)) endAndLinger(end);
  else if (end.writableLength === 0) cutEnd(end);
  else {
    // Written in vain when the peer does not read: then the connection's own end, or the tunnel's, is what ends it.
    end.write(NOTHING, () => cutEnd(end));
    end.resume();
  }
}

const NOTHING = Buffer.alloc(0);

function isHttp2Stream(end: Duplex): end is Http2Stream {
  return 'rstCode' in end;
}
