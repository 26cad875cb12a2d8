// Trailers, and what a Connection field can and cannot do, both ways.
import assert from 'node:assert/strict';
import { afterEach, describe, it } from 'node:test';
import { OK, startWire, type Wire } from './wire.ts';

const open: Wire[] = [];
afterEach(async () => {
  for (const wire of open.splice(0)) await wire.close();
});

async function wireAnswering(bytes = OK): Promise<Wire> {
  const wire = await startWire((heard, socket) => {
    if (!/\r\n\r\n(?!.)|0\r\n(?:.+\r\n)*\r\n$/.test(heard)) return false;
    socket.write(bytes, 'latin1');
    return true;
  });
  open.push(wire);
  return wire;
}

const get = (fields: string) => `GET /x HTTP/1.1\r\nHost: x\r\n${fields}\r\n`;

describe('trailers', () => {
  it('of an answer reach the client, less those that may not be trailers', async () => {
    const trailers = 'X-Sum: 1\r\nx-sum: 2\r\nHost: evil\r\nConnection: X-Sum\r\n';
    const wire = await wireAnswering(
      `HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n${trailers}\r\n`,
    );
    const received = await wire.exchange(get('TE: trailers\r\nConnection: close, TE\r\n'));
    assert.match(received, /\r\nTrailer: X-Sum\r\n/);
    assert.match(received, /\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\n$/);
    assert.match(wire.heard(), /\r\nTE: trailers\r\n/);
  });

  it('of a request reach the upstream, less those that may not be trailers, and never become fields', async () => {
    const wire = await startWire((heard, socket) => {
      if (!heard.endsWith('X-Sum: 1\r\n\r\n')) return false;
      socket.write(OK);
      return true;
    });
    open.push(wire);
    const trailers = 'Host: evil\r\nX-Banyan-Shadow: forged\r\nX-Sum: 1\r\n';
    await wire.exchange(
      `POST /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n${trailers}\r\n`,
    );
    const heard = wire.heard();
    assert.match(heard, /\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n$/);
    assert.equal(heard.match(/x-sum/gi)?.length, 1);
  });
});

describe('a Connection field', () => {
  it('of a request removes what it names, over several lines and in any case', async () => {
    const wire = await wireAnswering();
    await wire.exchange(
      get('X-A: 1\r\nConnection: x-a,, X-B\r\nX-B: 2\r\nX-C: 3\r\nconnection: close, X-D\r\nX-D: 4\r\n'),
    );
    const heard = wire.heard();
    assert.match(heard, /\r\nX-C: 3\r\n/);
    assert.doesNotMatch(heard, /X-[ABD]:/i);
  });

  for (const name of [
    'Host',
    'Content-Length',
    'X-Forwarded-For',
    'X-Forwarded-Proto',
    'X-Forwarded-Host',
    'Via',
    'X-Request-Id',
  ]) {
    it(`of a request cannot remove ${name}, by which others know the message or its sender`, async () => {
      const wire = await startWire();
      open.push(wire);
      await wire.exchange(
        `POST /x HTTP/1.1\r\nHost: x\r\nConnection: close, ${name}\r\nContent-Length: 1\r\n${name.startsWith('X-F') ? `${name}: evil\r\n` : ''}\r\na`,
      );
      const heard = wire.heard();
      assert.match(heard, new RegExp(`\\r\\n${name}: `, 'i'));
      assert.doesNotMatch(heard, /evil/);
      assert.ok(heard.endsWith('\r\n\r\na'));
    });
  }

  it('of an answer removes what it names, but not the length', async () => {
    const wire = await wireAnswering(
      'HTTP/1.1 200 OK\r\nConnection: X-A, content-length\r\nX-A: 1\r\nKeep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nok',
    );
    const received = await wire.exchange(get('Connection: close\r\n'));
    assert.doesNotMatch(received, /X-A|timeout=5/);
    assert.match(received, /\r\nContent-Length: 2\r\n/);
  });

  it('with an upgrade to a protocol that is not spoken here is an ordinary request', async () => {
    const wire = await wireAnswering();
    await wire.exchange(
      get('Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\n'),
    );
    assert.doesNotMatch(wire.heard(), /upgrade|settings/i);
  });
});
