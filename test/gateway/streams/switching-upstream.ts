// An upstream that takes upgrades on raw sockets: a test sees the exact bytes of what it was sent, and writes the exact
// bytes of what it answers. It closes nothing by itself, so that half-open connections can be looked at.
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { eventually } from '../../helpers/deadline.ts';

export const SWITCH = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n';

/** The same to a client that looks at Sec-WebSocket-Accept (RFC 6455 section 4.2.2), with more fields. */
export const accepting =
  (more = '') =>
  (head: string): string => {
    const [, key = ''] = /^sec-websocket-key: (.*)\r$/im.exec(head) ?? [];
    const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
    return SWITCH.replace(/\r\n$/, `Sec-WebSocket-Accept: ${accept}\r\n${more}\r\n`);
  };

export interface Taken {
  readonly socket: Socket;
  /** The request head, as latin1, with its blank line. */
  readonly head: string;
  /** How many bytes came after the head. */
  readonly bytes: number;
  /** Everything received after the head. */
  received(): Buffer;
  /** Whether the peer has ended its half, or the whole connection. */
  readonly isGone: boolean;
}

/** Answers each request head with `answer`, or with nothing when it is null. */
export async function startSwitching(answer: string | Buffer | null | ((head: string) => string) = SWITCH) {
  const taken: Taken[] = [];
  const sockets = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket);
    take(socket, (each) => {
      taken.push(each);
      if (answer !== null) socket.write(typeof answer === 'function' ? answer(each.head) : answer);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    taken,
    /** The nth upgrade, once it has come. */
    next: (index = 0) => eventually(() => taken[index], `upgrade ${index} to reach the upstream`),
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function take(socket: Socket, onHead: (taken: Taken) => void): void {
  let head: string | undefined;
  let chunks: Buffer[] = [];
  let bytes = 0;
  let isGone = false;
  const gone = () => {
    isGone = true;
  };
  socket.on('error', () => {});
  socket.on('end', gone);
  socket.on('close', gone);
  socket.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    bytes += chunk.length;
    if (head !== undefined) return;
    const all = Buffer.concat(chunks);
    const end = all.indexOf('\r\n\r\n') + 4;
    if (end < 4) return;
    head = all.toString('latin1', 0, end);
    chunks = [all.subarray(end)];
    bytes = all.length - end;
    onHead({
      socket,
      head,
      get bytes() {
        return bytes;
      },
      received: () => Buffer.concat(chunks),
      get isGone() {
        return isGone;
      },
    });
  });
}
