// Mutants of requests and answers between clients and an upstream that takes anything. Whatever they look like: the
// upstream gets only whole, valid requests, each one of those that a client sent, and a client gets only answers to its
// own, in order.
import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { describe, it } from 'node:test';
import { routeOn, startTestGateway } from '../../helpers/gateway.ts';
import { startRawServer } from '../../helpers/upstream.ts';
import { mutate, seededRandom } from './mutate.ts';
import { type ParsedRequest, parseRequests } from './strict-parser.ts';

const REQUEST_MUTANTS = 20_000;
const ANSWER_MUTANTS = 2_000;
const PARALLEL = 32;
/**
 * A client whose mutant asks for more than it sends gives up after this long without a byte, and then so many turns of
 * the event loop: all ends are in this process, so however slow it is, what is under way has moved by then.
 */
const QUIET_MS = 40;
const QUIET_TURNS = 32;

const HOST = 'Host: x\r\n';
const REQUESTS = [
  `GET /a HTTP/1.1\r\n${HOST}Accept: */*\r\n\r\n`,
  `GET /b?c=d HTTP/1.1\r\n${HOST}\r\nGET /c HTTP/1.1\r\n${HOST}\r\n`,
  `POST /d HTTP/1.1\r\n${HOST}Content-Length: 5\r\n\r\nhello`,
  `POST /e HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  `POST /f HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nTrailer: T\r\n\r\n1;x=y\r\na\r\n2\r\nbc\r\n0\r\nT: 1\r\n\r\n`,
  `POST /g HTTP/1.1\r\n${HOST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  `PUT /h HTTP/1.1\r\n${HOST}Content-Length: 3\r\n\r\nabcGET /i HTTP/1.1\r\n${HOST}\r\n`,
  `POST /j HTTP/1.1\r\n${HOST}Expect: 100-continue\r\nContent-Length: 2\r\n\r\nok`,
  `GET http://x/k HTTP/1.1\r\n${HOST}Connection: X-A\r\nX-A: b\r\n\r\n`,
  `DELETE /l HTTP/1.0\r\n${HOST}Connection: keep-alive\r\n\r\n`,
];

/** What the upstream answers: a request's own words, so that a client can tell whose answer it got. */
const described = ({ method, target, body }: ParsedRequest) => JSON.stringify([method, originOf(target), body]);
const originOf = (target: string) => target.replace(/^https?:\/\/[^/?]*/i, '').replace(/^(?!\/)/, '/');

/** Sends bytes, and reads until the peer closes, enough has come, or nothing more does. */
function converse(port: number, bytes: string, isEnough: (received: string) => boolean): Promise<string> {
  return new Promise((resolve) => {
    let received = '';
    const socket = connect(port, '127.0.0.1', () => socket.write(bytes, 'latin1'));
    const done = () => {
      socket.destroy();
      resolve(received);
    };
    const lookAgain = (length: number, turns: number): void => {
      if (received.length > length || socket.destroyed) return; // The socket's timer runs anew.
      if (turns === 0) done();
      else setImmediate(lookAgain, length, turns - 1);
    };
    socket.setTimeout(QUIET_MS, () => lookAgain(received.length, QUIET_TURNS));
    socket.on('data', (chunk) => {
      received += chunk.toString('latin1');
      if (isEnough(received)) done();
    });
    socket.on('error', () => {});
    socket.on('close', done);
  });
}

async function inParallel(count: number, run: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < count) await run(next++);
  };
  await Promise.all(Array.from({ length: PARALLEL }, worker));
}

const ANSWER = /HTTP\/1\.1 200 OK\r\n(?:[^\r\n]+\r\n)*\r\n(\[[^\r\n]*\])\n/g;
const answersIn = (received: string) => [...received.matchAll(ANSWER)].map((match) => match[1]);

describe('mutants', () => {
  it(`${REQUEST_MUTANTS} of requests: the upstream sees what the client is answered for, and nothing else`, async () => {
    const invalid: string[] = [];
    let forwarded = 0;
    const upstream = await startRawServer((socket) => {
      let heard = '';
      socket.on('data', (chunk) => {
        heard += chunk.toString('latin1');
        const { requests, rest } = parseRequests(heard);
        if (rest === 'invalid' || requests.length > 1) invalid.push(heard);
        const [request] = requests;
        if (!request) return;
        heard = '';
        forwarded++;
        const body = `${described(request)}\n`;
        const content = request.method === 'HEAD' ? '' : body;
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${content}`, 'latin1');
      });
    });
    const gateway = await startTestGateway({
      legacy: upstream.url,
      new: 'http://127.0.0.1:9',
      routes: [routeOn('/*', { retry: 'never' })],
      overrides: { expose: false, log: { level: 'error' } },
    });
    const random = seededRandom(20_261_120);
    const wrong: unknown[] = [];
    let answered = 0;
    await inParallel(REQUEST_MUTANTS, async () => {
      const mutant = mutate(REQUESTS[Math.floor(random() * REQUESTS.length)] ?? '', random);
      const sent = parseRequests(mutant);
      const isEnough = (received: string) =>
        sent.rest === 'nothing' && answersIn(received).length >= sent.requests.length;
      const received = await converse(gateway.port, mutant, isEnough);
      const answers = answersIn(received);
      answered += answers.length;
      const expected = sent.requests.map(described);
      if (answers.some((answer, index) => answer !== expected[index])) wrong.push({ mutant, answers, expected });
    });
    await gateway.close();
    await upstream.close();
    assert.deepEqual(wrong.slice(0, 3), []);
    assert.deepEqual(invalid.slice(0, 3), []);
    assert.ok(
      answered > REQUEST_MUTANTS / 20,
      `${answered} answers, ${forwarded} forwarded: the mutants are not all refused`,
    );
  });

  it(`${ANSWER_MUTANTS} of answers: nobody gets a word of another client's answer`, async () => {
    const random = seededRandom(7);
    const answers = [
      (id: string) => `HTTP/1.1 200 OK\r\nContent-Length: 12\r\nX-Id: ${id}\r\n\r\n${id}`,
      (id: string) => `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nc\r\n${id}\r\n0\r\nX-Id: ${id}\r\n\r\n`,
      (id: string) =>
        `HTTP/1.1 103 Early Hints\r\nLink: </${id}>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n${id}`,
      (id: string) => `HTTP/1.1 304 Not Modified\r\nETag: "${id}"\r\n\r\n`,
      (id: string) => `HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 12\r\n\r\n${id}`,
    ];
    const upstream = await startRawServer((socket) => {
      let heard = '';
      socket.on('data', (chunk) => {
        heard += chunk.toString('latin1');
        const id = /^GET \/([0-9]{12}) [\s\S]*\r\n\r\n$/.exec(heard)?.[1];
        if (id === undefined) return;
        heard = '';
        const answer = answers[Math.floor(random() * answers.length)]?.(id) ?? '';
        socket.write(mutate(answer, random), 'latin1');
        if (random() < 0.2) socket.end();
      });
    });
    const gateway = await startTestGateway({
      legacy: upstream.url,
      new: 'http://127.0.0.1:9',
      routes: [routeOn('/*', { retry: 'never', timeoutMs: 100 })],
      overrides: { expose: false, log: { level: 'error' } },
    });
    const wrong: string[] = [];
    let whole = 0;
    await inParallel(ANSWER_MUTANTS, async (index) => {
      const id = String(900_000_000_000 + index * 1_000_003);
      const received = await converse(
        gateway.port,
        `GET /${id} HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`,
        () => false,
      );
      if (received.endsWith(`\r\n\r\n${id}`)) whole++;
      const others = [...received.matchAll(/9\d{11}/g)].filter(([other]) => other !== id);
      // A mutant may have changed a digit; another client's id has its own place in the sequence.
      if (others.some(([other]) => (Number(other) - 900_000_000_000) % 1_000_003 === 0))
        wrong.push(`${id}: ${received}`);
    });
    await gateway.close();
    await upstream.close();
    assert.deepEqual(wrong.slice(0, 3), []);
    assert.ok(whole > 0, 'some answers came through');
  });
});
