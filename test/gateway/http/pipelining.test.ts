// Several requests on one connection: each gets its own answer in its turn, and what is wrong with a later one never
// takes the place of an earlier one's answer.
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { eventually } from '../../helpers/deadline.ts';
import { connectRaw } from '../../helpers/raw-client.ts';
import { answerOnce, type Script, startWire, statusesOf, type Wire } from './wire.ts';

const open: Wire[] = [];
afterEach(async () => {
  for (const wire of open.splice(0)) await wire.close();
});

async function wireWith(script?: Script): Promise<Wire> {
  const wire = await startWire(script);
  open.push(wire);
  return wire;
}

const POST = 'POST /order HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\na';
const GET = 'GET /x HTTP/1.1\r\nHost: x\r\n\r\n';

/** Answers with the path of the request. */
const answerPath: Script = (heard, socket) => {
  if (!heard.includes('\r\n\r\n')) return false;
  const path = /^\S+ (\S+)/.exec(heard)?.[1] ?? '';
  socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${path}`);
  return true;
};

/** Holds every answer back until the test releases it. */
function held(): { script: Script; sockets: Socket[] } {
  const sockets: Socket[] = [];
  return {
    sockets,
    script(heard, socket) {
      if (!heard.includes('\r\n\r\n')) return false;
      sockets.push(socket);
      return true;
    },
  };
}

describe('pipelined requests', () => {
  it('three in one packet: three answers in order', async () => {
    const wire = await wireWith(answerPath);
    const client = await connectRaw(wire.gateway.port);
    client.send(['/a', '/b', '/c'].map((path) => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`).join(''));
    const received = await client.until('\r\n\r\n/c');
    assert.deepEqual(
      [...received.matchAll(/\r\n\r\n(\/\w)/g)].map((match) => match[1]),
      ['/a', '/b', '/c'],
    );
    client.socket.destroy();
  });

  it('the second is not begun before the first is answered', async () => {
    const { script, sockets } = held();
    const wire = await wireWith(script);
    const client = await connectRaw(wire.gateway.port);
    client.send(POST + GET);
    await eventually(() => sockets.length === 1, 'the first request at the upstream');
    await wire.canary();
    assert.match(wire.heard(), /^POST \/order /);
    assert.equal(sockets.length, 1);
    sockets[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');
    await eventually(() => sockets.length === 2, 'the second request at the upstream');
    client.socket.destroy();
  });

  it('more than may wait: those that were taken are answered, then 503 and the end', async () => {
    const wire = await wireWith();
    const received = await wire.exchange(GET.repeat(80));
    const statuses = statusesOf(received);
    assert.deepEqual(
      statuses.slice(0, -1),
      Array.from({ length: 65 }, () => 200),
    );
    assert.equal(statuses.at(-1), 503);
    assert.equal(await wire.refusedCount('pipeline'), 1);
  });

  it('the client leaves while some wait: those are never begun', async () => {
    const { script, sockets } = held();
    const wire = await wireWith(script);
    const client = await connectRaw(wire.gateway.port);
    client.send(GET + POST);
    await eventually(() => sockets.length === 1, 'the first request at the upstream');
    client.socket.destroy();
    await eventually(
      () => wire.gateway.log.find(({ failure }) => failure === 'client_left'),
      'the client to have left',
    );
    await wire.canary();
    assert.doesNotMatch(wire.heard(), /POST/);
  });

  it('one with Connection: close: what follows it is not looked at', async () => {
    const wire = await wireWith();
    const closing = 'GET /last HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n';
    assert.deepEqual(statusesOf(await wire.exchange(closing + POST)), [200]);
    await wire.canary();
    assert.doesNotMatch(wire.heard(), /POST/);
  });
});

describe('what follows a request that was taken', () => {
  for (const [name, garbage] of [
    ['garbage', 'GARBAGE\0\r\n\r\n'],
    [
      'a request with both framings',
      'POST /evil HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    ],
    ['a request with a bare LF', 'GET /evil HTTP/1.1\nHost: x\n\n'],
    ['an overlong head', `GET /evil HTTP/1.1\r\nA: ${'b'.repeat(70_000)}\r\n\r\n`],
  ] as const) {
    it(`${name}: the POST before it gets its own answer, then the connection ends`, async () => {
      const { script, sockets } = held();
      const wire = await wireWith(script);
      const client = await connectRaw(wire.gateway.port);
      client.send(POST + garbage);
      await eventually(() => sockets.length === 1, 'the POST at the upstream');
      await eventually(() => wire.gateway.log.find(({ reason }) => reason === 'trailing_garbage'), 'the log line');
      sockets[0]?.write('HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok');
      assert.deepEqual(statusesOf(await client.closed()), [201]);
      await wire.canary();
      assert.doesNotMatch(wire.heard(), /evil/);
      assert.equal(await wire.refusedCount('trailing_garbage'), 1);
    });
  }

  it('a request that is refused by its head: both are answered, in order', async () => {
    const wire = await wireWith(answerOnce);
    assert.deepEqual(statusesOf(await wire.exchange(`${POST}TRACE /x HTTP/1.1\r\nHost: x\r\n\r\n${GET}`)), [200, 501]);
    await wire.canary();
    assert.doesNotMatch(wire.heard(), /TRACE|GET \/x/);
  });

  it('a request for an upgrade: it is an ordinary request then, in its turn', async () => {
    const { script, sockets } = held();
    const wire = await wireWith(script);
    const client = await connectRaw(wire.gateway.port);
    client.send(`${POST}GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`);
    await eventually(() => sockets.length === 1, 'the POST at the upstream');
    assert.match(wire.heard(), /^POST/);
    sockets[0]?.write('HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok');
    await eventually(() => sockets.length === 2, 'the GET at the upstream');
    assert.doesNotMatch(wire.heard(), /upgrade/i);
    sockets[1]?.write('HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno');
    assert.deepEqual(statusesOf(await client.until('\r\n\r\nno')), [201, 426]);
    client.socket.destroy();
  });
});
