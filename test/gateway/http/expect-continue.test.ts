// 100 (Continue): sent to those who wait for it, once their request is worth its body.
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { routeOn } from '../../helpers/gateway.ts';
import { connectRaw } from '../../helpers/raw-client.ts';
import { describeRefusals, startWire, statusesOf, type Wire } from './wire.ts';

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
  before(async () => {
    wire = await startWire(undefined, { routes: [routeOn('/*', { bodyBytesMax: 10_000_000 })] });
  });
  after(() => wire.close());

  for (const [name, framing, body] of [
    ['a small body', 'Content-Length: 5', 'hello'],
    ['a large body', 'Content-Length: 50000', 'x'.repeat(50_000)],
    ['a chunked body', 'Transfer-Encoding: chunked', '5\r\nhello\r\n0\r\n\r\n'],
  ] as const) {
    it(`with ${name}: 100 before the body, then the answer; the field is not passed on`, async () => {
      const client = await connectRaw(wire.gateway.port);
      client.send(post(`Expect: 100-continue\r\n${framing}\r\n`));
      assert.equal(await client.until('\r\n\r\n'), 'HTTP/1.1 100 Continue\r\n\r\n');
      client.send(body);
      assert.deepEqual(statusesOf(await client.closed()), [100, 200]);
      assert.doesNotMatch(wire.heard(), /expect/i);
    });
  }

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
