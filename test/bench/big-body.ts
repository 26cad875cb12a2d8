// One client for large bodies: it counts bytes, and reads as slowly as it is told.
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { within } from '../helpers/deadline.ts';
import { BIG_BODY_BYTES } from './upstream/answers.ts';

const TRANSFER_MS = 60_000;
const UPLOAD_CHUNK = Buffer.alloc(64 * 1024, 'banyan ');

/** Fetches the large body. Answers the seconds it took. @throws when it does not come whole. */
export async function download(address: string): Promise<number> {
  const socket = open(address);
  const startedAt = performance.now();
  let bytes = 0;
  const whole = new Promise<void>((resolve, reject) => {
    socket.on('data', (chunk: Buffer) => {
      bytes += chunk.length; // The head is a few hundred bytes of a hundred million.
      if (bytes >= BIG_BODY_BYTES) resolve();
    });
    socket.on('close', () => reject(new Error(`the connection closed after ${bytes} bytes`)));
  });
  socket.write('GET /api/files/big HTTP/1.1\r\nHost: bench.test\r\n\r\n');
  await within(whole, 'a large answer', TRANSFER_MS).finally(() => socket.destroy());
  return (performance.now() - startedAt) / 1_000;
}

/** Sends the large body. Answers the seconds until it was acknowledged. @throws when it is not. */
export async function upload(address: string): Promise<number> {
  const socket = open(address);
  const startedAt = performance.now();
  const answered = once(socket, 'data').then(([data]) => {
    if (!String(data).startsWith('HTTP/1.1 200'))
      throw new Error(`the upload was answered ${String(data).slice(0, 100)}`);
  });
  socket.write(`POST /api/files/big HTTP/1.1\r\nHost: bench.test\r\nContent-Length: ${BIG_BODY_BYTES}\r\n\r\n`);
  await within(Promise.all([sendBody(socket), answered]), 'a large upload', TRANSFER_MS).finally(() =>
    socket.destroy(),
  );
  return (performance.now() - startedAt) / 1_000;
}

async function sendBody(socket: Socket): Promise<void> {
  for (let left = BIG_BODY_BYTES; left > 0; ) {
    const part = left < UPLOAD_CHUNK.length ? UPLOAD_CHUNK.subarray(0, left) : UPLOAD_CHUNK;
    left -= part.length;
    if (!socket.write(part)) await once(socket, 'drain');
  }
}

/** Clients that ask for the large body, read its beginning and then no more. Answers what ends them. */
export async function stalledReaders(address: string, count: number): Promise<() => void> {
  const sockets = Array.from({ length: count }, () => open(address));
  const begun = sockets.map(async (socket) => {
    socket.write('GET /api/files/big HTTP/1.1\r\nHost: bench.test\r\n\r\n');
    await once(socket, 'data');
    socket.pause();
  });
  await within(Promise.all(begun), 'large answers to begin');
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}

function open(address: string): Socket {
  const [host = '', port = ''] = address.split(':');
  const socket = connect({ host, port: Number(port) });
  socket.on('error', () => {}); // 'close' follows.
  return socket;
}
