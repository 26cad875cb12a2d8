// 100 (Continue): asked for by the client, answered by the upstream.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { routeOn } from '../../helpers/gateway.ts';
import { connectRaw } from '../../helpers/raw-client.ts';
import { answerOnce, describeRefusals, startWire, statusesOf, type Wire } from './wire.ts';

const post = (fields: string, version = '1.1') =>
  `POST /x HTTP/${version}\r\nHost: x\r\nConnection: close\r\n${fields}\r\n`;

describeRefusals('an expectation', [
  ['that nobody knows', post('Expect: pizza\r\nContent-Length: 1\r\n'), 417, 'expectation'],
  ['beside the one that is known', post('Expect: 100-continue, pizza\r\nContent-Length: 1\r\n'), 417, 'expectation'],
  [
    'of a request that is refused anyway',
    post('Expect: 100-continue\r\nHost: y\r\nContent-Length: 1\r\n'),
    400,
    'host',
  ],
]);

describe('Expect: 100-continue', () => {
  let wire: Wire;
  /** What the upstream says to a head that asks; empty: nothing before the body. */
  let said = '';
  before(async () => {
    wire = await startWire(
      (heard, socket) => {
        if (said && heard.endsWith('\r\n\r\n') && /\r\nExpect: 100-continue\r\n/.test(heard)) socket.write(said);
        return answerOnce(heard, socket);
      },
      { routes: [routeOn('/*', { bodyBytesMax: 10_000_000 })] },
    );
  });
  after(() => wire.close());

  for (const [name, framing, body] of [
    ['a small body', 'Content-Length: 5', 'hello'],
    ['a large body', 'Content-Length: 50000', 'x'.repeat(50_000)],
    ['a chunked body', 'Transfer-Encoding: chunked', '5\r\nhello\r\n0\r\n\r\n'],
  ] as const) {
    it(`with ${name}: the upstream is asked, and its 100 goes to the client before the body`, async () => {
      said = 'HTTP/1.1 100 Continue\r\n\r\n';
      const client = await connectRaw(wire.gateway.port);
      client.send(post(`Expect: 100-continue\r\n${framing}\r\n`));
      assert.equal(await client.until('\r\n\r\n'), 'HTTP/1.1 100 Continue\r\n\r\n');
      client.send(body);
      assert.deepEqual(statusesOf(await client.closed()), [100, 200]);
      assert.ok(wire.heard().endsWith(`\r\nExpect: 100-continue\r\n\r\n${body}`));
    });
  }

  it('refused by the upstream for its head alone: its answer instead of 100, and none of the body is asked for', async () => {
    wire.heard();
    said = 'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno';
    const client = await connectRaw(wire.gateway.port);
    client.send(post('Expect: 100-continue\r\nContent-Length: 5\r\n'));
    assert.deepEqual(statusesOf(await client.until('\r\n\r\nno')), [403]);
    client.socket.destroy();
    const before = wire.connections;
    await wire.canary();
    assert.equal(wire.connections, before + 1);
    assert.match(wire.heard(), /\r\n\r\n$/);
  });

  it('of which the upstream says nothing: the client is asked for the body all the same, after a while', async () => {
    said = '';
    const client = await connectRaw(wire.gateway.port);
    client.send(post('Expect: 100-continue\r\nContent-Length: 5\r\n'));
    assert.equal(await client.until('\r\n\r\n'), 'HTTP/1.1 100 Continue\r\n\r\n');
    client.send('hello');
    assert.deepEqual(statusesOf(await client.closed()), [100, 200]);
  });

  it('in HTTP/1.0: no interim answer', async () => {
    const received = await wire.exchange(`${post('Expect: 100-continue\r\nContent-Length: 1\r\n', '1.0')}a`);
    assert.deepEqual(statusesOf(received), [200]);
  });

  it('without a body: no interim answer', async () => {
    assert.deepEqual(statusesOf(await wire.exchange(post('Expect: 100-continue\r\n'))), [200]);
  });

  it('not there: no interim answer', async () => {
    assert.deepEqual(statusesOf(await wire.exchange(`${post('Content-Length: 1\r\n')}a`)), [200]);
  });

  it('with a body above the limit of the route: 413 instead of 100', async () => {
    wire.heard();
    const received = await wire.exchange(post('Expect: 100-continue\r\nContent-Length: 10000001\r\n'));
    assert.deepEqual(statusesOf(received), [413]);
    assert.equal(wire.heard(), '');
  });
});
