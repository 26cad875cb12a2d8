// WebSocket upgrades through the gateway, by flag.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { WebSocket, WebSocketServer } from 'ws';
import { closingAfterEach } from '../helpers/closing.ts';
import { eventually, within } from '../helpers/deadline.ts';
import { routeOn, startTestGateway } from '../helpers/gateway.ts';
import { connectRaw } from '../helpers/raw-client.ts';
import { closedPort, startUpstream } from '../helpers/upstream.ts';

const kept = closingAfterEach();

async function startEcho(name: string) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(server, 'listening');
  server.on('connection', (socket) => {
    socket.on('message', (data, isBinary) => socket.send(isBinary ? data : `${name}: ${data}`, { binary: isBinary }));
  });
  const address = server.address();
  const port = typeof address === 'object' && address ? address.port : 0;
  const echo = {
    url: `http://127.0.0.1:${port}`,
    server,
    async close() {
      for (const client of server.clients) client.terminate();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
  await kept(echo);
  return echo;
}

async function gatewayBetween(legacy: string, fresh: string) {
  const gateway = await startTestGateway({ legacy, new: fresh, routes: [routeOn('/ws/*')] });
  await kept(gateway);
  return gateway;
}

const streams = async (gateway: Awaited<ReturnType<typeof gatewayBetween>>, side: string) => {
  const { body } = await gateway.api('GET', '/metrics');
  return Number(
    new RegExp(`banyan_open_streams\\{route="test.route",side="${side}",kind="websocket"\\} (\\d+)`).exec(body)?.[1] ??
      0,
  );
};

async function say(socket: WebSocket, text: string): Promise<string> {
  const answered = once(socket, 'message');
  socket.send(text);
  const [data] = await within(answered, `an answer to ${text}`);
  return String(data);
}

describe('a WebSocket', () => {
  it('goes to the side that the flag says, stays there over a flip, and is counted', async () => {
    const gateway = await gatewayBetween((await startEcho('legacy')).url, (await startEcho('new')).url);
    const url = `${gateway.url.replace('http', 'ws')}/ws/trading`;
    const first = new WebSocket(url);
    await within(once(first, 'open'), 'the first connection');
    assert.equal(await say(first, 'hello'), 'legacy: hello');
    await gateway.api('PUT', '/api/routes/test.route/stage', { stage: 'complete', reason: 'x' }, { 'if-match': '*' });
    const second = new WebSocket(url);
    await within(once(second, 'open'), 'the second connection');
    assert.equal(await say(second, 'hello'), 'new: hello');
    assert.equal(await say(first, 'still'), 'legacy: still');
    assert.equal(await streams(gateway, 'legacy'), 1);
    assert.equal(await streams(gateway, 'new'), 1);
    const closed = once(first, 'close');
    first.close(4001, 'bye');
    const [code] = await within(closed, 'the close');
    assert.equal(code, 4001);
    await eventually(async () => (await streams(gateway, 'legacy')) === 0, 'the gauge to fall');
    second.close();
  });

  it('carries large binary messages whole', async () => {
    const gateway = await gatewayBetween((await startEcho('legacy')).url, 'http://127.0.0.1:9');
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/ws/x`);
    await within(once(socket, 'open'), 'the connection');
    const payload = Buffer.alloc(3_000_000, 7);
    const answered = once(socket, 'message');
    socket.send(payload);
    const [data] = await within(answered, 'the echo');
    assert.equal(Buffer.compare(data as Buffer, payload), 0);
    socket.close();
  });

  it('that the upstream refuses gets its refusal', async () => {
    const refusing = await startUpstream((_, outgoing) => outgoing.writeHead(401, { 'x-why': 'no' }).end('no'));
    await kept(refusing);
    const gateway = await gatewayBetween(refusing.url, 'http://127.0.0.1:9');
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/ws/x`);
    const [, response] = await within(once(socket, 'unexpected-response'), 'the refusal');
    assert.equal(response.statusCode, 401);
    socket.on('error', () => {});
    socket.terminate();
  });

  it('to a dead upstream is answered 502, and the gateway lives on', async () => {
    const gateway = await gatewayBetween(`http://127.0.0.1:${await closedPort()}`, 'http://127.0.0.1:9');
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/ws/x`);
    socket.on('error', () => {});
    const [, response] = await within(once(socket, 'unexpected-response'), 'the refusal');
    assert.equal(response.statusCode, 502);
    socket.terminate();
    assert.equal((await fetch(`${gateway.operatorUrl}/livez`)).status, 200);
  });
});

describe('another upgrade', () => {
  it('offered by a client (h2c) is ignored and the request served', async () => {
    const upstream = await startUpstream((_, outgoing) => outgoing.end('plain'));
    await kept(upstream);
    const gateway = await gatewayBetween(upstream.url, 'http://127.0.0.1:9');
    const client = await connectRaw(gateway.port);
    client.send(
      'GET /x HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n\r\n',
    );
    assert.match(await client.until('plain'), /^HTTP\/1\.1 200 OK\r\n/);
    client.socket.destroy();
  });
});
