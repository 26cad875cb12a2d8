// What the other side can do to a client whose stream is compared: nothing. And what it can do to the gateway: little.
import assert from 'node:assert/strict';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { WebSocketServer } from 'ws';
import { closingAfterEach } from '../../helpers/closing.ts';
import { eventually } from '../../helpers/deadline.ts';
import { closedPort, startRawServer, startUpstream } from '../../helpers/upstream.ts';
import {
  type ComparingGiven,
  connectEvents,
  connectSocket,
  counted,
  found,
  type ScriptedSide,
  settled,
  startComparing,
  startEventsSide,
  startSocketsSide,
} from './compared.ts';

const kept = closingAfterEach();
const SMALL = { bodyBytesMax: 10_000 };

type Other = () => Promise<{ url: string; close(): Promise<unknown> }>;

/** Answers an upgrade as `speak` does, in bytes. */
async function rawSocketsSide(speak: (socket: Socket) => void) {
  const server = createServer();
  const sockets = new Set<Socket>();
  const handshakes = new WebSocketServer({ noServer: true });
  server.on('upgrade', (incoming, socket: Socket, head) => {
    sockets.add(socket);
    socket.on('error', () => {});
    handshakes.handleUpgrade(incoming, socket, head, (peer) => {
      peer.on('error', () => {});
      speak(socket);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function flood(
  socket: {
    write(bytes: string | Buffer): boolean;
    on(event: string, listener: () => void): unknown;
    destroyed: boolean;
  },
  bytes: string | Buffer,
) {
  const more = () => {
    while (!socket.destroyed && socket.write(bytes));
  };
  socket.on('drain', more);
  more();
}

const neverAnswers: Other = () => startRawServer(() => {});
const refuses: Other = () => startUpstream((_, outgoing) => outgoing.writeHead(503).end('no'));
const garbage: Other = () => startRawServer((socket) => socket.write('this is no HTTP\r\n\r\n'));
const isNotThere: Other = async () => ({ url: `http://127.0.0.1:${await closedPort()}`, close: async () => {} });
/** 64 MB of events in 64 KB, again and again. */
const bomb: Other = () => {
  const packed = gzipSync(Buffer.from('data: {"id":"x"}\n\n'.repeat(4_000_000)));
  return startUpstream((_, outgoing) => {
    outgoing.writeHead(200, { 'content-type': 'text/event-stream', 'content-encoding': 'gzip' });
    outgoing.write(packed);
  });
};
const eventsOf = (speak: (outgoing: ServerResponse) => void, headers: Record<string, string> = {}): Other => {
  return () =>
    startUpstream((_, outgoing) => {
      outgoing.writeHead(200, { 'content-type': 'text/event-stream', ...headers });
      speak(outgoing);
    });
};

const EVENTS: Readonly<Record<string, [other: Other, end: string]>> = {
  'never answers': [neverAnswers, 'new_failed'],
  'is not there': [isNotThere, 'new_failed'],
  refuses: [refuses, 'new_failed'],
  'answers garbage': [garbage, 'new_failed'],
  'answers no event stream': [() => startUpstream((_, outgoing) => outgoing.end('{}')), 'new_failed'],
  'answers in a coding that nobody knows': [() => startEventsSide({ 'content-encoding': 'x' }), 'new_failed'],
  'is not in its coding': [
    eventsOf((outgoing) => outgoing.write('data: {}\n\n'), { 'content-encoding': 'gzip' }),
    'unreadable',
  ],
  'is a bomb': [bomb, 'messages_max'],
  'closes at once': [eventsOf((outgoing) => outgoing.end()), 'new_ended'],
  'floods with messages': [eventsOf((outgoing) => flood(outgoing, 'data: {"id":"x"}\n\n'.repeat(100))), 'messages_max'],
};

const SOCKETS: Readonly<Record<string, [other: Other, end: string]>> = {
  'never answers': [neverAnswers, 'new_failed'],
  'is not there': [isNotThere, 'new_failed'],
  refuses: [refuses, 'new_failed'],
  'answers garbage': [garbage, 'new_failed'],
  'closes at once': [() => rawSocketsSide((socket) => socket.end()), 'new_ended'],
  'floods with messages': [
    () => rawSocketsSide((socket) => flood(socket, Buffer.from('\x81\x02{}'.repeat(100), 'latin1'))),
    'messages_max',
  ],
  'floods with pings': [
    () => rawSocketsSide((socket) => flood(socket, Buffer.from('\x89\x00'.repeat(100), 'latin1'))),
    'messages_max',
  ],
  'sends a message that is too large': [
    () =>
      rawSocketsSide((socket) =>
        socket.write(Buffer.concat([Buffer.of(0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0), Buffer.alloc(65_536)])),
      ),
    'new_ended',
  ],
  'sends frames that are none': [() => rawSocketsSide((socket) => socket.write(Buffer.alloc(100, 0xff))), 'new_ended'],
};

const KINDS = {
  'event stream': { others: EVENTS, start: startEventsSide, connect: connectEvents },
  WebSocket: { others: SOCKETS, start: startSocketsSide, connect: connectSocket },
} as const;

for (const [name, { others, start, connect }] of Object.entries(KINDS)) {
  describe(`a client's ${name} whose other side`, () => {
    for (const [what, [startOther, end]] of Object.entries(others)) {
      it(`${what} goes on as it is: ${end}`, async () => {
        const legacy: ScriptedSide = await kept(start());
        const other = await kept(startOther());
        const mirror = startOther === neverAnswers ? { ...SMALL, timeoutMs: 200 } : SMALL;
        const given = { route: { mirror }, compare: { messagesMax: 500 } };
        const gateway = await kept(startComparing({ legacy, new: other }, given));
        const client: { close(): void } = await kept<{ close(): void }>(connect(gateway));
        const stream = await legacy.stream();
        stream.send({ id: 'before' });
        const { ended } = await found(gateway, (streams) => Object.keys(streams.ended).length > 0, 'the end');
        assert.deepEqual(ended, { [end]: 1 });
        stream.send({ id: 'after' });
        await eventually(() => textOf(client).includes('after'), 'what came after it');
        assert.ok(textOf(client).includes('before'));
        assert.equal(stream.isClosed, false);
      });
    }
  });
}

/** All that a client has got. */
function textOf(client: { close(): void } & Partial<{ got: readonly string[]; state: { text: string } }>): string {
  return client.state?.text ?? client.got?.join('\n') ?? '';
}

/** A client with a WebSocket, and both sides' ends of it. */
async function socketPair(given: ComparingGiven, sides: Parameters<typeof startSocketsSide>[0] = {}) {
  const [legacy, fresh] = [await kept(startSocketsSide(sides)), await kept(startSocketsSide(sides))];
  const gateway = await kept(startComparing({ legacy, new: fresh }, given));
  const client = await kept(connectSocket(gateway, { perMessageDeflate: sides.perMessageDeflate !== undefined }));
  return { gateway, client, both: [await legacy.stream(), await fresh.stream()] as const };
}

describe('what the client of a compared WebSocket says', () => {
  it('reaches the other side only where the route says so', async () => {
    const { gateway, client, both } = await socketPair({});
    client.socket.send('subscribe');
    await eventually(() => both[0].heard.length === 1, 'the message on the side that serves');
    await settled(gateway, both);
    assert.deepEqual(both[1].heard, []);
  });

  it('is copied message by message, compressed ones and what came first too', async () => {
    const given = { compare: { clientMessages: 'copy' } };
    const { client, both } = await socketPair(given, { perMessageDeflate: { threshold: 0 } });
    const words = ['subscribe', 'x'.repeat(5_000), 'unsubscribe'];
    for (const word of words) client.socket.send(word);
    const areTold = () => both.every(({ heard }) => heard.length === words.length);
    await eventually(areTold, 'the messages on both sides');
    assert.deepEqual([both[0].heard, both[1].heard], [words, words]);
  });

  it('ends the comparison, and only that, when the other side does not take it', async () => {
    const legacy = await kept(startSocketsSide());
    const fresh = await kept(startRawServer(() => {})); // Never answers, so that nothing can be said to it.
    const given = { compare: { clientMessages: 'copy' }, route: { mirror: { bodyBytesMax: 1_000_000 } } };
    const gateway = await kept(startComparing({ legacy, new: fresh }, given));
    const client = await kept(connectSocket(gateway));
    for (let i = 0; i < 4; i++) client.socket.send('x'.repeat(100_000));
    await found(gateway, ({ ended }) => ended.client_messages === 1, 'the end');
    const stream = await legacy.stream();
    await eventually(() => stream.heard.length === 4, 'the messages on the side that serves');
  });
});

describe('a compared WebSocket', () => {
  it('is read where it is compressed, with context and across fragments of the network', async () => {
    const { gateway, client, both } = await socketPair({}, { perMessageDeflate: { threshold: 0 } });
    await settled(gateway, both);
    for (let id = 0; id < 50; id++) {
      for (const each of both)
        each.send({ id, symbol: 'BTCUSDT', book: Array.from({ length: 100 }, (_, at) => at * id) });
    }
    for (const [at, each] of both.entries()) each.send({ id: 'differs', price: at });
    const streams = await found(gateway, ({ messages }) => messages.different === 1, 'the difference');
    assert.deepEqual(counted(streams), { match: 51, different: 1 });
    assert.match(client.socket.extensions, /permessage-deflate/);
    await eventually(() => client.got.length === 52, 'all messages with the client');
  });

  it('offers the other side the subprotocol that the first has chosen', async () => {
    const choose = { handleProtocols: (offered: Set<string>) => [...offered].at(-1) ?? false } as const;
    const [legacy, fresh] = [await kept(startSocketsSide(choose)), await kept(startSocketsSide(choose))];
    const gateway = await kept(startComparing({ legacy, new: fresh }));
    await kept(connectSocket(gateway, { protocols: ['v1', 'v2'] }));
    assert.equal((await legacy.stream()).incoming.headers['sec-websocket-protocol'], 'v1,v2');
    assert.equal((await fresh.stream()).incoming.headers['sec-websocket-protocol'], 'v2');
  });
});

describe('an event stream', () => {
  it('in a coding that nobody knows is not compared, nor one that a write has begun', async () => {
    const [legacy, fresh] = [await kept(startEventsSide({ 'content-encoding': 'x' })), await kept(startEventsSide())];
    const gateway = await kept(startComparing({ legacy, new: fresh }));
    const leave = new AbortController();
    void fetch(`${gateway.url}/events`, { signal: leave.signal }).catch(() => {});
    void fetch(`${gateway.url}/events`, { method: 'POST', signal: leave.signal }).catch(() => {});
    const streams = await found(gateway, ({ refused }) => Object.keys(refused).length === 2, 'both refusals');
    leave.abort();
    assert.deepEqual([streams.begun, streams.refused], [0, { content_encoding: 1, writes: 1 }]);
    assert.equal(fresh.streams.length, 0);
  });
});
