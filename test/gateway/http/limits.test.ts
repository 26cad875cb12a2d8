// Limits: what is too much, too many or too slow is told so, cut off and counted; what only waits is left alone.
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { eventually } from '../../helpers/deadline.ts';
import { routeOn } from '../../helpers/gateway.ts';
import { connectRaw } from '../../helpers/raw-client.ts';
import { answerOnce, OK, type Script, startWire, statusesOf, type Wire } from './wire.ts';

const open: Wire[] = [];
afterEach(async () => {
  for (const wire of open.splice(0)) await wire.close();
});

async function wireWith(
  limits: Record<string, number>,
  { script, route = {} }: { script?: Script; route?: Record<string, unknown> } = {},
): Promise<Wire> {
  const routes = [routeOn('/*', { timeoutMs: 5_000, ...route })];
  const wire = await startWire(script, { routes, overrides: { limits } });
  open.push(wire);
  return wire;
}

const refused = (wire: Wire, reason: string) =>
  eventually(async () => (await wire.refusedCount(reason)) > 0, `a refusal for ${reason}`);

const GET = 'GET /x HTTP/1.1\r\nHost: x\r\n\r\n';

describe('a client that is slow', () => {
  it('with its head, byte by byte: 408', async () => {
    const wire = await wireWith({ headerTimeoutMs: 300 });
    const client = await connectRaw(wire.gateway.port);
    client.send('GET /x HTTP/1.1\r\nHost: x\r\n');
    const dribble = setInterval(() => client.send('A'), 20);
    try {
      assert.deepEqual(statusesOf(await client.closed()), [408]);
    } finally {
      clearInterval(dribble);
    }
    assert.equal(await wire.refusedCount('head_timeout'), 1);
    await wire.canary();
    assert.equal(wire.heard(), '');
  });

  it('with the head of a second request: 408 after the first answer', async () => {
    const wire = await wireWith({ headerTimeoutMs: 300 });
    const client = await connectRaw(wire.gateway.port);
    client.send(GET);
    await client.until('ok');
    client.send('GET /half HTTP/1.1\r\n');
    assert.deepEqual(statusesOf(await client.closed()), [200, 408]);
  });

  it('and says nothing at all: the connection ends without an answer', async () => {
    const wire = await wireWith({ headerTimeoutMs: 300 });
    const client = await connectRaw(wire.gateway.port);
    assert.equal(await client.closed(), '');
  });

  for (const [name, head, forwarded] of [
    ['a small body', 'Content-Length: 5', false],
    ['a large body', 'Content-Length: 50000', true],
    ['a chunked body', 'Transfer-Encoding: chunked', true],
  ] as const) {
    it(`with ${name}: 408, and the upstream never sees a whole request`, async () => {
      const wire = await wireWith({ bodyIdleTimeoutMs: 200 });
      const client = await connectRaw(wire.gateway.port);
      client.send(`POST /x HTTP/1.1\r\nHost: x\r\n${head}\r\n\r\n${head.startsWith('T') ? '2\r\nab\r\n' : 'ab'}`);
      assert.deepEqual(statusesOf(await client.closed()), [408]);
      assert.equal(await wire.refusedCount('body_timeout'), 1);
      await wire.canary();
      const heard = wire.heard();
      assert.equal(heard.includes('POST'), forwarded);
      assert.doesNotMatch(heard, /\r\n0\r\n\r\n/);
    });
  }

  for (const [name, head, part] of [
    ['a small body', 'Content-Length: 5000', 'a'],
    ['a large body', 'Content-Length: 50000', 'a'],
    ['a chunked body', 'Transfer-Encoding: chunked', '1\r\na\r\n'],
  ] as const) {
    it(`with ${name}, byte by byte but never silent: 408, and the upstream never sees a whole request`, async () => {
      const wire = await wireWith({ bodyIdleTimeoutMs: 200, bodyBytesPerSecondMin: 1_000 });
      const client = await connectRaw(wire.gateway.port);
      client.send(`POST /x HTTP/1.1\r\nHost: x\r\n${head}\r\n\r\n`);
      const dribble = setInterval(() => client.send(part), 20);
      try {
        const received = await client.closed();
        assert.deepEqual(statusesOf(received), [408]);
        assert.match(received, /\r\nconnection: close\r\n/i);
        assert.match(received, /request_too_slow/);
      } finally {
        clearInterval(dribble);
      }
      const { body } = await wire.gateway.api('GET', '/metrics');
      assert.match(
        body,
        /banyan_forward_failures_total\{route="test.route",side="legacy",failure="request_too_slow"\} 1/,
      );
      assert.match(body, /banyan_requests_in_flight 0/);
      await wire.canary();
      assert.doesNotMatch(wire.heard(), /\r\n0\r\n\r\n/);
    });
  }

  it('with a body after a fast beginning: 408 all the same', async () => {
    const wire = await wireWith({ bodyIdleTimeoutMs: 200, bodyBytesPerSecondMin: 1_000 });
    const client = await connectRaw(wire.gateway.port);
    client.send(`POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n${'a'.repeat(1_000_000)}`);
    const dribble = setInterval(() => client.send('a'), 20);
    try {
      assert.deepEqual(statusesOf(await client.closed()), [408]);
    } finally {
      clearInterval(dribble);
    }
  });

  it('to read its answer: cut off, and the upstream too', async () => {
    let gone = false;
    const chunk = Buffer.alloc(65_536, 'x');
    const script: Script = (heard, socket: Socket) => {
      if (!heard.includes('\r\n\r\n')) return false;
      socket.on('close', () => {
        gone = true;
      });
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n');
      const more = () => {
        while (socket.writable && socket.write(chunk));
      };
      socket.on('drain', more);
      more();
      return true;
    };
    const wire = await wireWith({ bodyIdleTimeoutMs: 300 }, { script });
    const client = await connectRaw(wire.gateway.port);
    client.socket.pause();
    client.send(GET);
    await refused(wire, 'read_timeout');
    await eventually(() => gone, 'the upstream to be left');
    client.socket.destroy();
  });

  it('between two requests: the connection ends without an answer', async () => {
    const wire = await wireWith({ idleTimeoutMs: 100 });
    const client = await connectRaw(wire.gateway.port);
    client.send(GET);
    assert.deepEqual(statusesOf(await client.closed()), [200]);
  });
});

describe('a client that uploads', () => {
  /** A body in so many parts, 20 ms apart. */
  async function upload(wire: Wire, part: string, parts: number): Promise<number[]> {
    const client = await connectRaw(wire.gateway.port);
    const length = part.length * parts;
    client.send(`POST /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${length}\r\n\r\n`);
    for (let sent = 0; sent < parts; sent++) {
      client.send(part);
      await delay(20);
    }
    return statusesOf(await client.closed());
  }

  it('fast enough is left alone for as long as it takes', async () => {
    const wire = await wireWith({ bodyIdleTimeoutMs: 500, bodyBytesPerSecondMin: 1_000 });
    assert.deepEqual(await upload(wire, 'a'.repeat(5_000), 75), [200]);
  });

  it('at any rate is left alone where the limit is off', async () => {
    const wire = await wireWith({ bodyIdleTimeoutMs: 500, bodyBytesPerSecondMin: 0 });
    assert.deepEqual(await upload(wire, 'a', 75), [200]);
  });

  it('to an upstream that does not read is not held to be slow', async () => {
    let isHeld = false;
    const script: Script = (heard, socket) => {
      if (!isHeld) {
        isHeld = true;
        socket.pause();
        setTimeout(() => socket.resume(), 1_500);
      }
      return answerOnce(heard, socket);
    };
    const wire = await wireWith({ bodyIdleTimeoutMs: 300, bodyBytesPerSecondMin: 1_000 }, { script });
    const body = 'a'.repeat(8_000_000);
    const head = `POST /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`;
    assert.deepEqual(statusesOf(await wire.exchange(head + body)), [200]);
  });
});

describe('a client that uploads without a pause', () => {
  it('is not taken for silent when it was the gateway that had no time to read', async () => {
    const idleMs = 200;
    let busyTurns = 6;
    const busy = () => {
      const endsAt = performance.now() + idleMs + 50;
      while (performance.now() < endsAt);
    };
    const script: Script = (heard, socket) => {
      // A client's time of silence is over before what it sent meanwhile can be read.
      if (heard.length > 1_000_000 && busyTurns-- > 0) setImmediate(busy);
      return answerOnce(heard, socket);
    };
    const wire = await wireWith({ bodyIdleTimeoutMs: idleMs }, { script });
    const body = 'a'.repeat(8_000_000);
    const head = `POST /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`;
    assert.deepEqual(statusesOf(await wire.exchange(head + body)), [200]);
  });
});

describe('a client that only waits', () => {
  it('for a slow upstream is left alone for longer than bodies may be silent', async () => {
    const script: Script = (heard, socket) => {
      if (!heard.includes('\r\n\r\n')) return false;
      setTimeout(() => socket.write(OK), 500);
      return true;
    };
    const wire = await wireWith({ bodyIdleTimeoutMs: 100 }, { script });
    assert.deepEqual(statusesOf(await wire.exchange(GET.replace('\r\n\r\n', '\r\nConnection: close\r\n\r\n'))), [200]);
  });
});

describe('too many', () => {
  it('connections: the next is closed and counted, and there is room again once one has left', async () => {
    const wire = await wireWith({ connectionsMax: 2 });
    const clients = [await connectRaw(wire.gateway.port), await connectRaw(wire.gateway.port)];
    clients[1]?.send(GET);
    await clients[1]?.until('ok');
    const third = await connectRaw(wire.gateway.port);
    assert.equal(await third.closed(), '');
    assert.equal(await wire.refusedCount('too_many_connections'), 1);
    for (const client of clients) client.socket.destroy();
    await eventually(
      () =>
        wire.canary().then(
          () => true,
          () => false,
        ),
      'room for a client',
    );
  });

  it('requests at once: 503 with Retry-After on a connection that stays, the others are answered', async () => {
    const sockets: Socket[] = [];
    const script: Script = (heard, socket) => {
      if (!heard.includes('\r\n\r\n')) return false;
      sockets.push(socket);
      return true;
    };
    const wire = await wireWith({ requestsMax: 1 }, { script });
    const first = await connectRaw(wire.gateway.port);
    first.send(GET);
    await eventually(() => sockets.length === 1, 'the first request at the upstream');
    const second = await connectRaw(wire.gateway.port);
    second.send(GET);
    const received = await second.until('too_many_requests');
    assert.deepEqual(statusesOf(received), [503]);
    assert.match(received, /\r\nretry-after: 1\r\n/);
    assert.equal(await wire.refusedCount('too_many_requests'), 1);
    sockets[0]?.write(OK);
    await first.until('ok');
    second.send(GET);
    await eventually(() => sockets.length === 2, 'the second request at the upstream');
    for (const client of [first, second]) client.socket.destroy();
  });
});

describe('too much, by settings', () => {
  it('fields and bytes of the target are bounded by what the configuration says', async () => {
    const wire = await wireWith({ headerCountMax: 4, urlBytesMax: 10 });
    const ask = (target: string, fields: number) =>
      wire.exchange(`GET ${target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n${'A: b\r\n'.repeat(fields)}\r\n`);
    assert.deepEqual(statusesOf(await ask('/123456789', 2)), [200]);
    assert.deepEqual(statusesOf(await ask('/1234567890', 2)), [414]);
    assert.deepEqual(statusesOf(await ask('/', 3)), [431]);
  });

  it('a body with a length above its limit: 413, nothing forwarded', async () => {
    const wire = await wireWith({}, { route: { bodyBytesMax: 5 } });
    const post = (body: string) =>
      `POST /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    assert.deepEqual(statusesOf(await wire.exchange(post('123456'))), [413]);
    await wire.canary();
    assert.equal(wire.heard(), '');
    assert.deepEqual(statusesOf(await wire.exchange(post('12345'))), [200]);
  });

  it('a chunked body that grows above its limit: 413, and the upstream sees the request break off', async () => {
    const wire = await wireWith({}, { route: { bodyBytesMax: 5 } });
    const client = await connectRaw(wire.gateway.port);
    client.send('POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n1234\r\n');
    let heard = '';
    await eventually(() => {
      heard += wire.heard();
      return heard.includes('1234');
    }, 'the first chunk at the upstream');
    client.send('4\r\n5678\r\n0\r\n\r\n');
    assert.deepEqual(statusesOf(await client.until('request_too_large')), [413]);
    await wire.canary();
    assert.doesNotMatch(heard + wire.heard(), /5678|\r\n0\r\n\r\n/);
    client.socket.destroy();
  });

  it('a chunked body far above its limit: its client, which reads when it has sent all, gets the 413 and its next answer', async () => {
    const wire = await wireWith({}, { route: { bodyBytesMax: 5 } });
    const client = await connectRaw(wire.gateway.port);
    client.send('POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n');
    client.send(`${`10000\r\n${'x'.repeat(65_536)}\r\n`.repeat(300)}0\r\n\r\n`);
    client.send('GET /canary HTTP/1.1\r\nHost: x\r\n\r\n');
    assert.deepEqual(statusesOf(await client.until('canary')), [413, 200]);
    client.socket.destroy();
  });
});
