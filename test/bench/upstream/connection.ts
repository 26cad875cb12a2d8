// One connection of the stand-in upstream: reads requests, writes ready-made answers. Not a server for strangers: it
// believes what proxies send it, which is what makes it several times faster than a proxy.
import type { Socket } from 'node:net';
import { type Answers, BIG_BODY_BYTES } from './answers.ts';

const HEAD_END = Buffer.from('\r\n\r\n');
const CONTENT_LENGTH = /\r\ncontent-length: *(\d+)/i;
const GET = 'G'.charCodeAt(0);
const LETTER_S = 's'.charCodeAt(0);
const LETTER_F = 'f'.charCodeAt(0);
/** `GET /api/trade/order` is this long; what follows tells one order from the list. */
const LIST_AT = 20;
/** `GET /api/` is this long; `files/...` is the large body. */
const FILES_AT = 9;

export function serveConnection(socket: Socket, answers: Answers): void {
  let pending: Buffer | undefined;
  let uploadLeft = 0;
  socket.setNoDelay(true);
  socket.on('error', () => {});
  socket.on('data', (arrived: Buffer) => {
    let data = pending ? Buffer.concat([pending, arrived]) : arrived;
    pending = undefined;
    while (data.length > 0) {
      if (uploadLeft > 0) {
        const taken = Math.min(uploadLeft, data.length);
        uploadLeft -= taken;
        data = data.subarray(taken);
        if (uploadLeft === 0) socket.write(answers.uploaded);
        continue;
      }
      const end = data.indexOf(HEAD_END);
      if (end < 0) {
        pending = data;
        return;
      }
      if (data[0] === GET) answerGet(socket, data, answers);
      else {
        uploadLeft = Number(CONTENT_LENGTH.exec(data.toString('latin1', 0, end))?.[1] ?? 0);
        if (uploadLeft === 0) socket.write(answers.uploaded);
      }
      data = data.subarray(end + HEAD_END.length);
    }
  });
}

function answerGet(socket: Socket, request: Buffer, answers: Answers): void {
  if (request[FILES_AT] === LETTER_F) {
    socket.write(answers.bigHead);
    writeBig(socket, answers.bigChunk);
  } else socket.write(request[LIST_AT] === LETTER_S ? answers.list : answers.order);
}

/** The large body, written only as fast as it is read. */
function writeBig(socket: Socket, chunk: Buffer): void {
  let left = BIG_BODY_BYTES;
  const more = () => {
    while (left > 0 && !socket.destroyed) {
      const part = left < chunk.length ? chunk.subarray(0, left) : chunk;
      left -= part.length;
      if (!socket.write(part)) {
        socket.once('drain', more);
        return;
      }
    }
  };
  more();
}
