// A side that only gets copies can do what it likes: clients' bytes are the same to the last, on either side of a flip,
// and every request is accounted for.
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { describe, it } from 'node:test';
import { closingAfterEach } from '../helpers/closing.ts';
import { eventually, within } from '../helpers/deadline.ts';
import { routeOn, startTestGateway, type TestGateway } from '../helpers/gateway.ts';
import { connectRaw } from '../helpers/raw-client.ts';
import { startRawServer } from '../helpers/upstream.ts';

const kept = closingAfterEach();

const ANSWER =
  'HTTP/1.1 200 OK\r\nDate: Mon, 05 Jan 2026 10:00:00 GMT\r\nContent-Type: application/json\r\nX-Odd:  a , b \r\n' +
  'Content-Length: 13\r\n\r\n{"price":1.5}';
const BODY_BYTES_MAX = 10_000;
const CHUNK = Buffer.alloc(65_536, 'x');
const GIGABYTE = 2 ** 30;
/** What kernels may hold of a body that nobody reads any more. */
const BUFFERED_MAX = 16 * 2 ** 20;

interface Hostile {
  readonly name: string;
  readonly outcome: string;
  /** Does its worst once a request has come; answers how many bytes it could send. */
  attack(socket: Socket): { readonly sent: number };
}

/** Writes parts for as long as the other side takes them. */
function pour(socket: Socket, head: string, part: (n: number) => string | Buffer, bytesMax = GIGABYTE) {
  const poured = { sent: 0 };
  let n = 0;
  const more = () => {
    while (!socket.destroyed && poured.sent < bytesMax) {
      const next = part(n++);
      poured.sent += next.length;
      if (!socket.write(next)) return;
    }
  };
  socket.on('drain', more);
  socket.write(head);
  more();
  return poured;
}

/** Writes a byte at a time, for ever. */
function drip(socket: Socket, text: string) {
  let n = 0;
  const timer = setInterval(() => socket.write(text.charAt(n++) || 'x'), 5);
  socket.on('close', () => clearInterval(timer));
  return { sent: 0 };
}

const nothing = { sent: 0 };
const HOSTILE: readonly Hostile[] = [
  { name: 'hangs', outcome: 'timeout', attack: () => nothing },
  {
    name: 'resets',
    outcome: 'error',
    attack(socket) {
      socket.resetAndDestroy();
      return nothing;
    },
  },
  {
    name: 'answers a gigabyte with its length',
    outcome: 'incomparable',
    attack: (socket) => pour(socket, `HTTP/1.1 200 OK\r\nContent-Length: ${GIGABYTE}\r\n\r\n`, () => CHUNK),
  },
  {
    name: 'answers chunks without end',
    outcome: 'incomparable',
    attack: (socket) =>
      pour(socket, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n', () => `10000\r\n${'x'.repeat(65_536)}\r\n`),
  },
  {
    name: 'answers fields without end',
    outcome: 'error',
    attack: (socket) => pour(socket, 'HTTP/1.1 200 OK\r\n', (n) => `X-${n}: ${'y'.repeat(1_000)}\r\n`),
  },
  {
    name: 'answers one field without end',
    outcome: 'error',
    attack: (socket) => pour(socket, 'HTTP/1.1 200 OK\r\nX: ', () => 'y'.repeat(65_536)),
  },
  { name: 'drips its head', outcome: 'timeout', attack: (socket) => drip(socket, 'HTTP/1.1 200 OK\r\nX: ') },
  {
    name: 'drips its body',
    outcome: 'timeout',
    attack: (socket) => drip(socket, 'HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n'),
  },
];

/** What a client gets for three requests over one connection. */
async function bytesOf(gateway: TestGateway): Promise<string> {
  const request = 'GET /x HTTP/1.1\r\nHost: gateway\r\nX-Request-Id: r-1\r\n\r\n';
  const client = await connectRaw(gateway.port);
  client.send(request + request + request.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'));
  return within(client.closed(), 'the client to be answered');
}

const routes = (stage: string, timeoutMs: number) => [
  routeOn('/*', {
    initialStage: stage,
    mirror: { timeoutMs, bodyBytesMax: BODY_BYTES_MAX, bracketPercent: 100 },
  }),
];

// A busy machine must not make comparing too dear.
const OVERRIDES = { expose: false, mirror: { compareCpuPercent: 100 } };

const STAGES = [
  { served: 'legacy', copied: 'shadow', alone: 'legacy', error: 'new_error' },
  { served: 'new', copied: 'live', alone: 'complete', error: 'legacy_error' },
] as const;

for (const { served, copied, alone, error } of STAGES) {
  for (const { name, outcome, attack } of HOSTILE) {
    describe(`while ${served} serves, the other side, which ${name},`, () => {
      it('changes no byte that a client gets, and has an outcome for each copy', async () => {
        const timeoutMs = outcome === 'timeout' ? 200 : 5_000;
        const good = await kept(startRawServer((socket) => socket.on('data', () => socket.write(ANSWER))));
        const attacks: { readonly sent: number }[] = [];
        const bad = await kept(startRawServer((socket) => socket.once('data', () => attacks.push(attack(socket)))));
        const sides = served === 'legacy' ? { legacy: good.url, new: bad.url } : { legacy: bad.url, new: good.url };
        const untouched = await kept(
          startTestGateway({ ...sides, routes: routes(alone, timeoutMs), overrides: OVERRIDES }),
        );
        const gateway = await kept(
          startTestGateway({ ...sides, routes: routes(copied, timeoutMs), overrides: OVERRIDES }),
        );
        const expected = await bytesOf(untouched);
        assert.equal(expected.split('{"price":1.5}').length, 4, 'three answers');
        assert.equal(await bytesOf(gateway), expected);
        const { outcomes, eligible } = await eventually(async () => {
          const { body } = await gateway.api('GET', '/api/routes/test.route/comparisons');
          return body.eligible === 3 && body.pending === 0 && body;
        }, 'the outcomes');
        assert.equal(outcomes[outcome === 'error' ? error : outcome], eligible, JSON.stringify(outcomes));
        for (const { sent } of attacks) assert.ok(sent < BUFFERED_MAX, `${sent} bytes were taken`);
        const { body } = await gateway.api('GET', '/api/status');
        assert.deepEqual([body.mirror.waiting, body.mirror.waitingBytes], [0, 0]);
      });
    });
  }
}
