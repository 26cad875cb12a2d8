// What two WebSocket libraries say to each other through the gateway, in size, number and kind.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { WebSocket } from 'ws';
import { closingAfterEach } from '../../helpers/closing.ts';
import { eventually, within } from '../../helpers/deadline.ts';
import { routeOn, startTestGateway } from '../../helpers/gateway.ts';
import { connectRaw } from '../../helpers/raw-client.ts';
import { close, text } from './frames.ts';
import { startSwitching } from './switching-upstream.ts';
import { openWebSocketPair } from './websocket-pair.ts';

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures', 'tls');
const TLS = { cert: join(FIXTURES, 'one.cert.pem'), key: join(FIXTURES, 'one.key.pem') };
const REQUEST = 'GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n';
const MESSAGE_BYTES = 16 * 1024 * 1024;

const kept = closingAfterEach();

const digest = (data: unknown) =>
  createHash('sha256')
    .update(data as Buffer)
    .digest('hex');

async function received(socket: WebSocket, what: string): Promise<Buffer> {
  const [data] = await within(once(socket, 'message'), what, 30_000);
  return data as Buffer;
}

describe('a message through the gateway', () => {
  for (const [name, overrides, client] of [
    ['plain', {}, {}],
    ['over TLS', { tls: TLS }, { rejectUnauthorized: false }],
  ] as const) {
    it(`of 16 MB each way at once, ${name}, is the same at the other end`, async () => {
      const options = { client: { perMessageDeflate: false, ...client }, overrides };
      const pair = await openWebSocketPair(kept, options);
      const [up, down] = [randomBytes(MESSAGE_BYTES), randomBytes(MESSAGE_BYTES)];
      const both = Promise.all([received(pair.peer, 'the message up'), received(pair.client, 'the message down')]);
      pair.client.send(up);
      pair.peer.send(down);
      assert.deepEqual((await both).map(digest), [digest(up), digest(down)]);
    });
  }

  it('compressed by permessage-deflate both ways, with the window kept from message to message, is the same', async () => {
    const deflate = { threshold: 0, serverNoContextTakeover: false, clientNoContextTakeover: false };
    const { client, peer } = await openWebSocketPair(kept, {
      server: { perMessageDeflate: deflate },
      client: { perMessageDeflate: deflate },
    });
    assert.match(client.extensions, /^permessage-deflate/);
    for (let n = 0; n < 20; n++) {
      for (const [from, to] of [
        [client, peer],
        [peer, client],
      ] as const) {
        const message = received(to, `message ${n}`);
        from.send(`${n} compressible `.repeat(2_000));
        assert.equal(String(await message), `${n} compressible `.repeat(2_000));
      }
    }
  });

  it('is one of 100,000 of every length up to 300 bytes, and all come in order', async () => {
    const { client, peer } = await openWebSocketPair(kept, { client: { perMessageDeflate: false } });
    const count = 100_000;
    const message = (n: number) => `${n}`.padEnd(n % 300, '.');
    let next = 0;
    const all = new Promise<void>((resolve, reject) => {
      client.on('message', (data) => {
        if (String(data) !== message(next)) reject(new Error(`got ${data} instead of message ${next}`));
        if (++next === count) resolve();
      });
    });
    for (let n = 0; n < count; n++) {
      peer.send(message(n));
      if (n % 1_000 === 999) await eventually(() => peer.bufferedAmount < 1_000_000, 'room to send');
    }
    await within(all, 'all messages', 60_000);
  });
});

describe('a ping through the gateway', () => {
  for (const from of ['client', 'upstream'] as const) {
    it(`of the ${from} is answered by the other end, with its payload`, async () => {
      const { client, peer } = await openWebSocketPair(kept);
      const [asking, answering] = from === 'client' ? [client, peer] : [peer, client];
      const [pinged, ponged] = [once(answering, 'ping'), once(asking, 'pong')];
      asking.ping('are you there?');
      for (const [payload] of await within(Promise.all([pinged, ponged]), 'ping and pong')) {
        assert.equal(String(payload), 'are you there?');
      }
    });
  }
});

describe('a close through the gateway', () => {
  const SENDABLE = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999];
  for (const from of ['client', 'upstream'] as const) {
    it(`by the ${from} with any code that may be sent arrives with it`, async () => {
      for (const code of SENDABLE) {
        const { client, peer } = await openWebSocketPair(kept);
        const [closing, other] = from === 'client' ? [client, peer] : [peer, client];
        const ended = Promise.all([once(closing, 'close'), once(other, 'close')]);
        closing.close(code, `${code}`);
        for (const [seen, reason] of await within(ended, `both closes with ${code}`)) {
          assert.deepEqual([seen, String(reason)], [code, `${code}`]);
        }
      }
    });
  }

  it('without a code arrives without one', async () => {
    const { client, peer } = await openWebSocketPair(kept);
    const ended = once(peer, 'close');
    client.close();
    assert.deepEqual((await within(ended, 'the close'))[0], 1005);
  });

  it("with a code that may not be sent is not the gateway's to judge", async () => {
    for (const code of [999, 1004, 1005, 1006, 1015, 1016, 2999, 5000]) {
      const upstream = await kept(startSwitching());
      const gateway = await kept(
        startTestGateway({ legacy: upstream.url, new: upstream.url, routes: [routeOn('/*')] }),
      );
      const client = await connectRaw(gateway.port);
      void kept({ close: () => client.socket.destroy() });
      client.send(REQUEST);
      await client.until('\r\n\r\n');
      const taken = await upstream.next();
      const sent = close(code, true);
      client.socket.write(sent);
      await eventually(() => taken.bytes === sent.length, `the Close with ${code}`);
      assert.deepEqual(taken.received(), sent);
    }
  });
});

describe('clients that give up', () => {
  it('while 100 handshakes wait leave none of them open upstream, and the gateway serves on', async () => {
    const upstream = await kept(startSwitching(null));
    const gateway = await kept(startTestGateway({ legacy: upstream.url, new: upstream.url, routes: [routeOn('/*')] }));
    const clients = await Promise.all(Array.from({ length: 100 }, () => connectRaw(gateway.port)));
    for (const client of clients) client.send(REQUEST);
    await eventually(() => upstream.taken.length === clients.length, 'all handshakes to reach the upstream');
    clients.forEach(({ socket }, n) => void (n % 2 === 0 ? socket.destroy() : socket.resetAndDestroy()));
    await eventually(() => upstream.taken.every(({ isGone }) => isGone), 'all of them to be let go', 2_000);
    const lines = await eventually(() => {
      const found = gateway.log.filter(({ msg }) => msg === 'upgrade');
      return found.length === clients.length && found;
    }, 'their lines in the log');
    assert.deepEqual([...new Set(lines.map(({ failure }) => failure))], ['client_left']);
  });

  it('in the middle of a message leave nothing open upstream', async () => {
    const upstream = await kept(startSwitching());
    const gateway = await kept(startTestGateway({ legacy: upstream.url, new: upstream.url, routes: [routeOn('/*')] }));
    const client = await connectRaw(gateway.port);
    client.send(REQUEST);
    await client.until('\r\n\r\n');
    const taken = await upstream.next();
    const part = text('the whole of it', true).subarray(0, 8);
    client.socket.write(part);
    await eventually(() => taken.bytes === part.length, 'the part');
    client.socket.resetAndDestroy();
    await eventually(() => taken.isGone, 'the upstream to be let go', 2_000);
    taken.socket.end();
    await eventually(() => gateway.log.some(({ msg }) => msg === 'stream closed'), 'the end of the stream');
  });
});
