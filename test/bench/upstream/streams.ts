// The stand-in upstream of streams, on raw sockets like its sibling (connection.ts), and for the same reason.
import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { CLIENT_FRAME, EVENT, EVENTS_PER_SECOND, SERVER_FRAME } from '../stream-workload.ts';

const HEAD_END = '\r\n\r\n';
const KEY = /\r\nsec-websocket-key: *([^\r]+)/i;
const KIND = /^GET \/ws\/\w+\?(\w+)/;
const EVENTS_HEAD =
  'HTTP/1.1 200 OK\r\nserver: upstream\r\ncontent-type: text/event-stream\r\ncache-control: no-store\r\n\r\n';
/** A feed's single write: what a busy market sends within a few milliseconds. */
const FEED_BLOCK = Buffer.concat(Array.from({ length: 64 }, () => SERVER_FRAME));
/** As many as any client sends at once. */
const ANSWERS = Buffer.concat(Array.from({ length: 1_024 }, () => SERVER_FRAME));
/** Event streams take turns: a part of them at each tick, so that no burst fills any queue. */
const TURNS = 10;

const readers: Set<Socket>[] = Array.from({ length: TURNS }, () => new Set());
let turn = 0;

export function serveStream(socket: Socket): void {
  let head = '';
  socket.setNoDelay(true);
  socket.on('error', () => {});
  const onHead = (chunk: Buffer) => {
    head += chunk.toString('latin1');
    const end = head.indexOf(HEAD_END);
    if (end < 0) return;
    socket.removeListener('data', onHead);
    const kind = KIND.exec(head)?.[1];
    if (kind === undefined) serveEvents(socket);
    else serveWebSocket(socket, kind, head, Buffer.from(head.slice(end + HEAD_END.length), 'latin1'));
  };
  socket.on('data', onHead);
}

function serveWebSocket(socket: Socket, kind: string, head: string, early: Buffer): void {
  const accept = createHash('sha1')
    .update(`${KEY.exec(head)?.[1]}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
  );
  let pending = 0;
  const echo = (chunk: Buffer) => {
    pending += chunk.length;
    const frames = Math.floor(pending / CLIENT_FRAME.length);
    if (frames === 0) return;
    pending -= frames * CLIENT_FRAME.length;
    socket.write(frames === 1 ? SERVER_FRAME : ANSWERS.subarray(0, frames * SERVER_FRAME.length));
  };
  const hear = kind === 'echo' ? echo : () => feed(socket);
  if (kind === 'echo') socket.on('data', hear);
  else socket.once('data', hear).resume();
  if (early.length > 0) hear(early);
}

/** From the client's first word on. */
function feed(socket: Socket): void {
  const more = () => {
    while (socket.writable && socket.write(FEED_BLOCK));
  };
  socket.on('drain', more);
  more();
}

function serveEvents(socket: Socket): void {
  socket.write(EVENTS_HEAD);
  const turnOf = readers[turn++ % TURNS];
  turnOf?.add(socket);
  socket.on('close', () => turnOf?.delete(socket));
  socket.resume();
}

let tick = 0;
setInterval(
  () => {
    for (const socket of readers[tick++ % TURNS] ?? []) socket.write(EVENT);
  },
  1_000 / (EVENTS_PER_SECOND * TURNS),
).unref();
