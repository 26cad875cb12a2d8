// What a flip does to open WebSockets, by the route's policy.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, it } from 'node:test';
import { WebSocket } from 'ws';
import { eventually, within } from '../../helpers/deadline.ts';
import { routeOn, startTestGateway, type TestGateway } from '../../helpers/gateway.ts';
import { connectRaw } from '../../helpers/raw-client.ts';
import { close, frame, text } from './frames.ts';
import { startSwitching } from './switching-upstream.ts';
import { startWebSocketEcho } from './websocket-echo.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const each of open.splice(0).reverse()) await each.close();
});

function kept<T extends { close(): Promise<void> }>(each: T): T {
  open.push(each);
  return each;
}

const QUICK = { jitterMs: 0, drainMs: 5_000 };
const REQUEST = 'GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
const ROUTE = '/api/routes/test.route';

async function gatewayBetween(legacy: string, fresh: string, streams: Record<string, unknown>) {
  const routes = [routeOn('/*', { streams: { ...QUICK, ...streams } })];
  return kept(await startTestGateway({ legacy, new: fresh, routes }));
}

async function connected(gateway: TestGateway, user: string): Promise<WebSocket> {
  const socket = new WebSocket(`${gateway.url.replace('http', 'ws')}/ws`, { headers: { 'x-user-id': user } });
  kept({ close: async () => socket.terminate() });
  await within(once(socket, 'open'), 'the connection');
  return socket;
}

async function say(socket: WebSocket, words: string): Promise<string> {
  const answered = once(socket, 'message');
  socket.send(words);
  return String((await within(answered, `an answer to ${words}`))[0]);
}

const stage = (gateway: TestGateway, body: Record<string, unknown>) =>
  gateway.api('PUT', `${ROUTE}/stage`, { reason: 'test', ...body }, { 'if-match': '*' });
const streamsOf = async (gateway: TestGateway) => {
  const { legacy, new: fresh, oldSide } = (await gateway.api('GET', ROUTE)).body.streams;
  return { legacy, new: fresh, oldSide };
};

describe('a flip of a route that pins its WebSockets', () => {
  it('leaves them where they are, counts them, and a rollback says that it is not done', async () => {
    const [legacy, fresh] = [kept(await startWebSocketEcho('legacy')), kept(await startWebSocketEcho('new'))];
    const gateway = await gatewayBetween(legacy.url, fresh.url, { onFlip: 'pin' });
    await stage(gateway, { stage: 'complete' });
    const socket = await connected(gateway, 'u');
    assert.equal(await say(socket, 'a'), 'new: a');
    assert.deepEqual(await streamsOf(gateway), { legacy: 0, new: 1, oldSide: 0 });

    const { body } = await gateway.api('POST', `${ROUTE}/rollback`, { reason: 'test' });
    assert.deepEqual([body.done, body.streamsOnOldSide], [false, 1]);
    assert.equal(await say(socket, 'b'), 'new: b');
    assert.deepEqual(await streamsOf(gateway), { legacy: 0, new: 1, oldSide: 1 });
    const detail = (await gateway.api('GET', ROUTE)).body;
    assert.ok(
      detail.attention.some(({ sentence }: { sentence: string }) =>
        /^1 open streams are still on the side/.test(sentence),
      ),
    );
    const metrics = (await gateway.api('GET', '/metrics')).body;
    assert.match(metrics, /banyan_open_streams\{route="test\.route",side="new",kind="websocket"\} 1/);
    assert.match(metrics, /banyan_streams_on_old_side\{route="test\.route"\} 1/);

    socket.close();
    await eventually(async () => (await streamsOf(gateway)).new === 0, 'the stream to be gone');
    const again = await gateway.api('POST', '/api/rollback', { reason: 'test' });
    assert.deepEqual([again.body.done, again.body.streamsOnOldSide], [true, 0]);
  });
});

describe('a flip of a route that drains its WebSockets', () => {
  it('tells the clients to come back (1012), and they come back to the other side', async () => {
    const [legacy, fresh] = [kept(await startWebSocketEcho('legacy')), kept(await startWebSocketEcho('new'))];
    const gateway = await gatewayBetween(legacy.url, fresh.url, { onFlip: 'drain' });
    const socket = await connected(gateway, 'u');
    assert.equal(await say(socket, 'a'), 'legacy: a');
    const left = within(once(socket, 'close'), 'the close');
    const leftUpstream = within(legacy.closed(), 'the close upstream');
    await stage(gateway, { stage: 'complete' });
    const [code, reason] = await left;
    assert.deepEqual([code, String(reason)], [1012, 'service restart']);
    assert.equal((await leftUpstream).code, 1012);
    assert.equal(await say(await connected(gateway, 'u'), 'b'), 'new: b');
    assert.deepEqual(await streamsOf(gateway), { legacy: 0, new: 1, oldSide: 0 });
  });

  it('moves only those whose side has changed', async () => {
    const [legacy, fresh] = [kept(await startWebSocketEcho('legacy')), kept(await startWebSocketEcho('new'))];
    const gateway = await gatewayBetween(legacy.url, fresh.url, { onFlip: 'drain' });
    const sockets = await Promise.all(Array.from({ length: 20 }, (_, user) => connected(gateway, `user-${user}`)));
    await stage(gateway, { stage: 'canary', percent: 50 });
    const { legacy: stayed } = await eventually(async () => {
      const streams = await streamsOf(gateway);
      return streams.oldSide === 0 && streams;
    }, 'the moved streams to be gone');
    await eventually(
      () => sockets.filter(({ readyState }) => readyState === WebSocket.OPEN).length === stayed,
      'closes',
    );
    assert.ok(stayed > 0 && stayed < 20, `${stayed} of 20 stayed`);
    for (const socket of sockets.filter(({ readyState }) => readyState === WebSocket.OPEN)) {
      assert.equal(await say(socket, 'x'), 'legacy: x');
    }
  });

  for (const [name, flip] of [
    ['a rollback', (gateway: TestGateway) => gateway.api('POST', `${ROUTE}/rollback`, { reason: 'test' })],
    ['a rollback of all routes', (gateway: TestGateway) => gateway.api('POST', '/api/rollback', { reason: 'test' })],
    [
      'an edit of the flag file',
      async (gateway: TestGateway) => {
        const file = join(gateway.folder, 'flags.json');
        writeFileSync(file, readFileSync(file, 'utf8').replaceAll('"rollout": "100"', '"rollout": "0"'));
      },
    ],
  ] as const) {
    it(`drains on ${name} too, and on nothing else`, async () => {
      const [legacy, fresh] = [kept(await startWebSocketEcho('legacy')), kept(await startWebSocketEcho('new'))];
      const gateway = await gatewayBetween(legacy.url, fresh.url, { onFlip: 'drain' });
      await stage(gateway, { stage: 'live' });
      const socket = await connected(gateway, 'u');
      await stage(gateway, { stage: 'complete' });
      assert.equal(await say(socket, 'a'), 'new: a');
      const left = within(once(socket, 'close'), 'the close');
      await flip(gateway);
      assert.equal((await left)[0], 1012);
    });
  }

  it('lifting a rollback moves its streams back', async () => {
    const [legacy, fresh] = [kept(await startWebSocketEcho('legacy')), kept(await startWebSocketEcho('new'))];
    const gateway = await gatewayBetween(legacy.url, fresh.url, { onFlip: 'drain' });
    await stage(gateway, { stage: 'complete' });
    await gateway.api('POST', `${ROUTE}/rollback`, { reason: 'test' });
    const socket = await connected(gateway, 'u');
    assert.equal(await say(socket, 'a'), 'legacy: a');
    const left = within(once(socket, 'close'), 'the close');
    await gateway.api('DELETE', `${ROUTE}/rollback`, { reason: 'test' }, { 'if-match': '*' });
    assert.equal((await left)[0], 1012);
  });
});

describe('a drain, frame by frame', () => {
  async function rawPair(streams: Record<string, unknown>) {
    const upstream = kept(await startSwitching());
    const gateway = await gatewayBetween(upstream.url, 'http://127.0.0.1:9', { onFlip: 'drain', ...streams });
    const client = await connectRaw(gateway.port);
    kept({ close: async () => void client.socket.destroy() });
    client.send(REQUEST);
    await client.until('\r\n\r\n');
    return { gateway, client, upstream: await upstream.next() };
  }
  const afterHead = (received: string) => Buffer.from(received.slice(received.indexOf('\r\n\r\n') + 4), 'latin1');

  it('in the middle of a frame waits for its end, puts the Close there, and lets nothing follow it', async () => {
    const { gateway, client, upstream } = await rawPair({});
    const message = frame({ opcode: 2, payload: Buffer.alloc(1_000, 0x88) });
    upstream.socket.write(message.subarray(0, 600));
    await client.until('\x88'.repeat(500));
    await stage(gateway, { stage: 'complete' });
    upstream.socket.write(Buffer.concat([message.subarray(600), text('too late')]));
    const received = afterHead(await client.until('service restart'));
    assert.equal(Buffer.compare(received.subarray(0, message.length), message), 0);
    assert.deepEqual([...received.subarray(message.length, message.length + 4)], [0x88, 17, 1012 >> 8, 1012 & 0xff]);
    // What the client had sent before it knew, and its answer, still reach the upstream.
    const last = Buffer.concat([text('in flight', true), close(1012, true)]);
    client.socket.write(last);
    await eventually(() => upstream.bytes === last.length && upstream.isGone, 'the last of the client and the end');
    assert.equal(Buffer.compare(upstream.received(), last), 0);
    assert.equal(afterHead(await client.closed()).length, message.length + 19);
  });

  it('of a client that does not answer, then the upstream is told and both are cut at the deadline', async () => {
    const { gateway, client, upstream } = await rawPair({ drainMs: 100 });
    await stage(gateway, { stage: 'complete' });
    await client.until('service restart');
    await client.closed();
    await eventually(() => upstream.isGone, 'the end upstream');
    const [first, second] = upstream.received();
    assert.deepEqual([first, second], [0x88, 0x80 | 17]);
  });

  it('in the middle of a frame that never ends, then it is cut at the deadline without a word', async () => {
    const { gateway, client, upstream } = await rawPair({ drainMs: 100 });
    upstream.socket.write(frame({ opcode: 2, payload: Buffer.alloc(100, 1) }).subarray(0, 50));
    await client.until('\x01'.repeat(48));
    await stage(gateway, { stage: 'complete' });
    assert.equal(afterHead(await client.closed()).length, 50);
  });

  it('of peers that are closing already adds no Close of its own', async () => {
    const { gateway, client, upstream } = await rawPair({ drainMs: 300 });
    upstream.socket.write(close(4_000));
    await client.until('\x88\x02');
    await stage(gateway, { stage: 'complete' });
    client.socket.write(close(4_000, true));
    await eventually(() => upstream.bytes === 8, "the client's Close");
    assert.equal(afterHead(await client.closed()).length, 4);
  });

  it('closed at once by policy needs no jitter and no patience', async () => {
    const { gateway, client } = await rawPair({ onFlip: 'close', jitterMs: 60_000, drainMs: 86_000_000 });
    await stage(gateway, { stage: 'complete' });
    await client.until('service restart');
  });
});
