// What a gateway that stops does with its open streams.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { afterEach, describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { eventually, within } from '../../helpers/deadline.ts';
import { routeOn, startTestGateway } from '../../helpers/gateway.ts';
import { connectRaw } from '../../helpers/raw-client.ts';
import { startUpstream } from '../../helpers/upstream.ts';
import { startWebSocketEcho } from './websocket-echo.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

function kept<T extends { close(): Promise<void> }>(each: T): T {
  open.push(each);
  return each;
}

const routes = [routeOn('/*', { streams: { onFlip: 'pin', jitterMs: 0 } })];

describe('a gateway told to stop', () => {
  it('tells the clients of its WebSockets (1001), whatever a flip would do, and then stops', async () => {
    const echo = kept(await startWebSocketEcho('legacy'));
    const gateway = await startTestGateway({ legacy: echo.url, new: echo.url, routes });
    const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/ws`);
    await within(once(socket, 'open'), 'the connection');
    const left = within(once(socket, 'close'), 'the close');
    await within(gateway.close(), 'the gateway to stop', 5_000);
    const [code, reason] = await left;
    assert.deepEqual([code, String(reason)], [1001, 'going away']);
    assert.equal((await within(echo.closed(), 'the close upstream')).code, 1001);
  });

  it('takes no new connection before it ends an event stream, and ends that at the end of an event', async () => {
    let write = (_: string) => {};
    const upstream = kept(
      await startUpstream((incoming, outgoing) => {
        if (incoming.url !== '/events') {
          outgoing.end('ok');
          return;
        }
        outgoing.writeHead(200, { 'content-type': 'text/event-stream' });
        write = (text) => void outgoing.write(text);
        write('data: 1\n\nda');
      }),
    );
    const gateway = await startTestGateway({ legacy: upstream.url, new: upstream.url, routes });
    const client = await connectRaw(gateway.port);
    kept({ close: async () => void client.socket.destroy() });
    client.send('GET /events HTTP/1.1\r\nHost: x\r\nAccept: text/event-stream\r\n\r\n');
    await client.until('da\r\n');
    const stopped = gateway.close();
    const refused = () =>
      fetch(`${gateway.url}/x`, { method: 'POST' }).then(
        () => false,
        () => true,
      );
    await eventually(refused, 'new connections to be refused');
    write('ta: 2\n\ndata: 3\n\n');
    const received = await client.until('0\r\n\r\n');
    assert.equal(received.includes('ta: 2\n\n'), true);
    assert.equal(received.includes('data: 3'), false);
    await within(stopped, 'the gateway to stop', 5_000);
  });
});
