// An open WebSocket through the gateway: what either peer sends reaches the other as it was, and so does its end.
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { eventually, within } from '../../helpers/deadline.ts';
import { routeOn, startTestGateway } from '../../helpers/gateway.ts';
import { connectRaw } from '../../helpers/raw-client.ts';
import { close, frame, text } from './frames.ts';
import { startSwitching } from './switching-upstream.ts';
import { openWebSocketPair } from './websocket-pair.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

function kept<T extends { close(): Promise<void> }>(each: T): T {
  open.push(each);
  return each;
}

const REQUEST = 'GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';

async function gatewayTo(url: string, streams: Record<string, unknown> = {}) {
  const routes = [routeOn('/*', { streams: { jitterMs: 0, drainMs: 500, ...streams } })];
  return kept(await startTestGateway({ legacy: url, new: 'http://127.0.0.1:9', routes }));
}

/** A client and an upstream on raw sockets, with the gateway between them, switched. */
async function rawPair(streams: Record<string, unknown> = {}) {
  const server = kept(await startSwitching());
  const gateway = await gatewayTo(server.url, streams);
  const client = await connectRaw(gateway.port);
  kept({ close: async () => void client.socket.destroy() });
  client.send(REQUEST);
  await client.until('\r\n\r\n');
  return { gateway, client, server, upstream: await server.next() };
}

describe('an open WebSocket', () => {
  it('has the subprotocol and the extension that its ends agreed on', async () => {
    const { client, peer } = await openWebSocketPair(kept, {
      server: { handleProtocols: () => 'b', perMessageDeflate: { threshold: 0 } },
      protocols: ['a', 'b'],
    });
    assert.equal(client.protocol, 'b');
    assert.match(client.extensions, /permessage-deflate/);
    const received = once(client, 'message');
    peer.send('compressed '.repeat(1_000));
    const [data] = await within(received, 'the message');
    assert.equal(String(data), 'compressed '.repeat(1_000));
  });

  it('carries fragments, empty messages, ping and pong as they are', async () => {
    const { client, peer } = await openWebSocketPair(kept);
    const got: string[] = [];
    peer.on('message', (data) => got.push(String(data)));
    peer.on('ping', (data) => got.push(`ping ${data}`));
    client.on('pong', (data) => got.push(`pong ${data}`));
    client.send('a', { fin: false });
    client.ping('in between');
    client.send('b', { fin: false });
    client.send('c', { fin: true });
    client.send('');
    await eventually(() => got.length === 4, 'everything');
    assert.deepEqual(got.sort(), ['', 'abc', 'ping in between', 'pong in between']);
  });

  for (const from of ['client', 'upstream'] as const) {
    it(`closed by the ${from}, then the other has its code and reason`, async () => {
      const { gateway, client, peer } = await openWebSocketPair(kept);
      const [closer, other] = from === 'client' ? [client, peer] : [peer, client];
      const ends = [once(closer, 'close'), once(other, 'close')];
      closer.close(4_321, 'enough');
      for (const [code, reason] of await within(Promise.all(ends), 'both closes')) {
        assert.deepEqual([code, String(reason)], [4_321, 'enough']);
      }
      const line = await eventually(() => gateway.log.find(({ msg }) => msg === 'stream closed'), 'the log line');
      assert.deepEqual([line.route, line.side], ['test.route', 'legacy']);
    });
  }

  it('carries 20,000 messages both ways in order', async () => {
    const { client, peer } = await openWebSocketPair(kept);
    peer.on('message', (data) => peer.send(data));
    let next = 0;
    const done = new Promise<void>((resolve, reject) => {
      client.on('message', (data) => {
        if (String(data) !== `m${next}`) reject(new Error(`got ${data} instead of m${next}`));
        if (++next === 20_000) resolve();
      });
    });
    for (let i = 0; i < 20_000; i++) client.send(`m${i}`);
    await within(done, 'all messages', 30_000);
  });

  it('carries a frame of 20 MB byte for byte', async () => {
    const { client, upstream } = await rawPair();
    const bytes = frame({ opcode: 2, payload: randomBytes(20_000_000) });
    client.socket.write(bytes);
    await eventually(() => upstream.bytes === bytes.length, 'the whole frame', 20_000);
    assert.equal(Buffer.compare(upstream.received(), bytes), 0);
  });

  it('whose bytes are no frames carries them all the same', async () => {
    const { client, upstream } = await rawPair();
    client.send('\xff\xff garbage');
    await eventually(() => upstream.bytes === 10, 'the bytes');
    upstream.socket.write('more garbage');
    await client.until('more garbage');
  });
});

describe('an open WebSocket that ends', () => {
  it('half-closed by the client, then the upstream sees that and may still send', async () => {
    const { client, upstream } = await rawPair();
    client.socket.end(close(1000, true));
    await eventually(() => upstream.isGone, 'the end upstream');
    upstream.socket.write(text('last words'));
    await client.until('last words');
    upstream.socket.end();
    await client.closed();
  });

  it('half-closed by the upstream, then the client sees that and may still send', async () => {
    const { gateway, server } = await rawPair();
    const client = connect({ port: gateway.port, host: '127.0.0.1', allowHalfOpen: true });
    kept({ close: async () => void client.destroy() });
    client.write(REQUEST);
    await within(once(client, 'data'), 'the 101');
    const other = await server.next(1);
    const ended = once(client, 'end');
    other.socket.end(close(1000));
    await within(ended, 'the end');
    client.write(text('last words', true));
    await eventually(() => other.bytes === text('last words', true).length, 'the last words');
  });

  it('because the client vanishes, then the upstream is let go at once', async () => {
    const { client, upstream } = await rawPair();
    client.socket.resetAndDestroy();
    await eventually(() => upstream.isGone, 'the end upstream', 1_000);
  });

  it('because the upstream vanishes, then the client has what was sent before and the end', async () => {
    const { client, upstream } = await rawPair();
    upstream.socket.write(text('before'));
    await client.until('before');
    upstream.socket.resetAndDestroy();
    await client.closed();
  });

  it('quiet for its idle time-out, then the client is told 1001 and both are closed', async () => {
    const { client, upstream } = await rawPair({ idleTimeoutMs: 80 });
    await client.until('going away');
    client.socket.write(close(1001, true));
    await client.closed();
    await eventually(() => upstream.isGone, 'the end upstream');
    assert.equal(upstream.received()[0], 0x88);
  });

  it('quiet without an idle time-out stays open beyond every time-out of requests', async () => {
    const upstream = kept(await startSwitching());
    const routes = [routeOn('/*', { timeoutMs: 50, streams: { jitterMs: 0 } })];
    const limits = { bodyIdleTimeoutMs: 50, idleTimeoutMs: 50, headerTimeoutMs: 50 };
    const gateway = kept(
      await startTestGateway({ legacy: upstream.url, new: upstream.url, routes, overrides: { limits } }),
    );
    const client = await connectRaw(gateway.port);
    kept({ close: async () => void client.socket.destroy() });
    client.send(REQUEST);
    await client.until('\r\n\r\n');
    // Long enough for each of them, told by the server's own clock: a request that waits as long is answered 504.
    const slow = kept(await startSwitching(null));
    const other = kept(
      await startTestGateway({ legacy: slow.url, new: slow.url, routes: [routeOn('/*', { timeoutMs: 400 })] }),
    );
    assert.equal((await fetch(`${other.url}/x`)).status, 504);
    (await upstream.next()).socket.write(text('still here'));
    await client.until('still here');
  });
});

describe('a slow reader of a WebSocket', () => {
  for (const reader of ['client', 'upstream'] as const) {
    it(`that is the ${reader} stops the writer instead of filling memory, and gets everything in the end`, async () => {
      const { client, upstream } = await rawPair();
      const [writing, reading] =
        reader === 'client' ? [upstream.socket, client.socket] : [client.socket, upstream.socket];
      reading.pause();
      const chunk = Buffer.alloc(1_000_000, 1);
      let written = 0;
      const before = process.memoryUsage().rss;
      // Until the writer itself is told to wait, and stays told: what fits is in kernel buffers.
      let stuck = false;
      while (!stuck && written < 200) {
        written++;
        if (writing.write(chunk)) continue;
        stuck = await Promise.race([
          once(writing, 'drain').then(() => false),
          within(new Promise<never>(() => {}), 'nothing', 300).catch(() => true),
        ]);
      }
      assert.ok(stuck, 'the writer was never stopped');
      assert.ok(process.memoryUsage().rss - before < 64_000_000);
      reading.resume();
      await eventually(() => reading.bytesRead >= written * chunk.length, 'everything that was written', 20_000);
    });
  }
});
