// What an upstream may answer: nothing of it can confuse a client about where the answer ends, and a connection that
// brought something odd never serves another request.
import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { afterEach, describe, it } from 'node:test';
import { eventually } from '../../helpers/deadline.ts';
import { connectRaw } from '../../helpers/raw-client.ts';
import { startWire, statusesOf, type Wire } from './wire.ts';

const open: Wire[] = [];
afterEach(async () => {
  for (const wire of open.splice(0)) await wire.close();
});

/** An upstream that answers every request with these bytes, and closes when told to. */
async function wireAnswering(bytes: string, then: 'close' | 'stay' = 'stay'): Promise<Wire> {
  const wire = await startWire((heard, socket) => {
    if (!heard.includes('\r\n\r\n')) return false;
    socket.write(bytes, 'latin1');
    if (then === 'close') socket.end();
    return true;
  });
  open.push(wire);
  return wire;
}

const request = (method: string) => `${method} /x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`;
/** POST, which is never tried again. */
const POST = request('POST');
const OK = 'HTTP/1.1 200 OK\r\n';
const LENGTH = 'Content-Length: 2\r\n';
const CHUNKS = '2\r\nok\r\n0\r\n\r\n';

const failureOf = (wire: Wire) =>
  eventually(() => wire.gateway.log.find(({ msg, path }) => msg === 'request' && path === '/x'), 'the log line');

describe('an answer that is not HTTP, or whose end is in doubt', () => {
  for (const [name, bytes] of [
    ['length and chunked', `${OK}${LENGTH}Transfer-Encoding: chunked\r\n\r\n${CHUNKS}`],
    ['chunked and length', `${OK}Transfer-Encoding: chunked\r\n${LENGTH}\r\n${CHUNKS}`],
    ['two lengths, alike', `${OK}${LENGTH}${LENGTH}\r\nok`],
    ['two lengths, different', `${OK}${LENGTH}Content-Length: 3\r\n\r\nok!`],
    ['a list of lengths', `${OK}Content-Length: 2, 2\r\n\r\nok`],
    ['a negative length', `${OK}Content-Length: -2\r\n\r\nok`],
    ['a length with a sign', `${OK}Content-Length: +2\r\n\r\nok`],
    ['chunked, chunked', `${OK}Transfer-Encoding: chunked, chunked\r\n\r\n${CHUNKS}`],
    ['chunked twice', `${OK}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKS}`],
    ['another coding', `${OK}Transfer-Encoding: gzip, chunked\r\n\r\n${CHUNKS}`],
    ['an unknown coding', `${OK}Transfer-Encoding: xchunked\r\n\r\n${CHUNKS}`],
    ['a folded field', `${OK}A: b\r\n c\r\n${LENGTH}\r\nok`],
    ['a NUL in a field', `${OK}A: b\0c\r\n${LENGTH}\r\nok`],
    ['a control character in a field', `${OK}A: b\x01c\r\n${LENGTH}\r\nok`],
    ['a space before a colon', `${OK}A : b\r\n${LENGTH}\r\nok`],
    ['a field without a colon', `${OK}Abc\r\n${LENGTH}\r\nok`],
    ['a field without a name', `${OK}: b\r\n${LENGTH}\r\nok`],
    ['a bare CR', `${OK}A: b\rC: d\r\n${LENGTH}\r\nok`],
    ['bare LF', 'HTTP/1.1 200 OK\nContent-Length: 2\n\nok'],
    ['a status of two digits', `HTTP/1.1 20 OK\r\n${LENGTH}\r\nok`],
    ['a status of four digits', `HTTP/1.1 2000 OK\r\n${LENGTH}\r\nok`],
    ['a status below 100', `HTTP/1.1 099 Odd\r\n${LENGTH}\r\nok`],
    ['another protocol', `ICY 200 OK\r\n${LENGTH}\r\nok`],
    ['an unknown version', `HTTP/1.2 200 OK\r\n${LENGTH}\r\nok`],
    ['a head of 200 kB', `${OK}A: ${'b'.repeat(200_000)}\r\n${LENGTH}\r\nok`],
    ['100,000 fields', `${OK}${'A: b\r\n'.repeat(100_000)}${LENGTH}\r\nok`],
  ] as const) {
    it(`${name}: 502, and the connection is not used again`, async () => {
      const wire = await wireAnswering(bytes);
      assert.deepEqual(statusesOf(await wire.exchange(POST)), [502]);
      assert.equal((await failureOf(wire)).failure, 'response_invalid');
      const before = wire.connections;
      await wire.canary();
      assert.equal(wire.connections, before + 1);
    });
  }

  for (const [name, bytes] of [
    ['101 that nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\nHELLO'],
    ['103 and then the end', 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n'],
    ['half a head and then the end', 'HTTP/1.1 200 OK\r\nConte'],
  ] as const) {
    it(`${name}: 502`, async () => {
      const wire = await wireAnswering(bytes, 'close');
      assert.equal(statusesOf(await wire.exchange(POST)).at(-1), 502);
      await wire.canary();
    });
  }

  for (const [name, body] of [
    ['a wrong chunk size', 'zz\r\n'],
    ['a chunk size that overflows', 'fffffffffffffffff\r\nok'],
    ['a chunk size line with a bare LF', '2\nok\r\n0\r\n\r\n'],
    ['a wrong chunk size after a good one', '2\r\nok\r\nzz\r\n'],
    ['a length among the trailers', '2\r\nok\r\n0\r\nContent-Length: 5\r\n\r\n'],
  ] as const) {
    const head = `${OK}Transfer-Encoding: chunked\r\n\r\n`;

    it(`${name}: the client is cut off, its answer has no end`, async () => {
      const upstream = Promise.withResolvers<Socket>();
      const wire = await startWire((heard, socket) => {
        if (!heard.includes('\r\n\r\n')) return false;
        socket.write(head);
        upstream.resolve(socket);
        return true;
      });
      open.push(wire);
      const client = await connectRaw(wire.gateway.port);
      client.send('GET /x HTTP/1.1\r\nHost: x\r\n\r\n');
      await client.until('\r\n\r\n');
      (await upstream.promise).write(body);
      const received = await client.closed();
      assert.deepEqual(statusesOf(received), [200]);
      assert.doesNotMatch(received, /\r\n0\r\n\r\n$/);
      assert.equal((await failureOf(wire)).failure, 'response_cut');
      const before = wire.connections;
      await wire.canary();
      assert.equal(wire.connections, before + 1);
    });

    it(`${name}, in one packet with its head: 502 where nothing was passed on yet, else the client is cut off`, async () => {
      const wire = await wireAnswering(`${head}${body}`);
      const received = await wire.exchange(POST);
      assert.deepEqual(statusesOf(received), body.startsWith('2\r\n') ? [] : [502]);
      assert.equal((await failureOf(wire)).failure, 'response_cut');
      const before = wire.connections;
      await wire.canary();
      assert.equal(wire.connections, before + 1);
    });
  }
});

describe('an answer with more than it says', () => {
  for (const [name, bytes] of [
    ['bytes after its length', `${OK}${LENGTH}\r\nokEXTRA`],
    ['a whole second answer after its length', `${OK}${LENGTH}\r\nok${OK}Content-Length: 4\r\n\r\nevil`],
    [
      'a second answer after its last chunk',
      `${OK}Transfer-Encoding: chunked\r\n\r\n${CHUNKS}${OK}Content-Length: 4\r\n\r\nevil`,
    ],
  ] as const) {
    it(`${name}: the client gets what was said, nobody gets the rest`, async () => {
      const wire = await wireAnswering(bytes);
      const received = await wire.exchange(POST);
      assert.deepEqual(statusesOf(received), [200]);
      assert.match(received, /ok(?:\r\n0\r\n\r\n)?$/);
      const before = wire.connections;
      await wire.canary();
      assert.equal(wire.connections, before + 1);
    });
  }

  for (const [name, method, status, fields] of [
    ['204 with a body', 'POST', '204 No Content', LENGTH],
    ['204 in chunks', 'POST', '204 No Content', 'Transfer-Encoding: chunked\r\n'],
    ['304 with a body', 'POST', '304 Not Modified', LENGTH],
    ['an answer to HEAD with a body', 'HEAD', '200 OK', LENGTH],
  ] as const) {
    it(`${name}: the client gets no body, the connection is not used again`, async () => {
      const body = fields === LENGTH ? 'ok' : CHUNKS;
      const wire = await wireAnswering(`HTTP/1.1 ${status}\r\n${fields}\r\n${body}`);
      const received = await wire.exchange(request(method));
      assert.ok(received.startsWith(`HTTP/1.1 ${status}\r\n`), received);
      assert.ok(received.endsWith('\r\n\r\n'), received);
      assert.doesNotMatch(received, /transfer-encoding/i);
      if (status.startsWith('204')) assert.doesNotMatch(received, /content-length/i);
      const before = wire.connections;
      await wire.canary();
      assert.equal(wire.connections, before + 1);
    });
  }
});

describe('interim answers', () => {
  it('come before the final one, in order, with their fields less a length', async () => {
    const hints = 'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\nContent-Length: 5\r\n\r\n';
    const wire = await wireAnswering(`${hints}HTTP/1.1 102 Processing\r\n\r\n${OK}${LENGTH}\r\nok`);
    const received = await wire.exchange(POST);
    const expected =
      'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\n';
    assert.equal(received.slice(0, expected.length), expected);
  });

  it('are not sent to HTTP/1.0', async () => {
    const wire = await wireAnswering(`HTTP/1.1 103 Early Hints\r\n\r\n${OK}${LENGTH}\r\nok`);
    assert.deepEqual(statusesOf(await wire.exchange('GET /x HTTP/1.0\r\n\r\n')), [200]);
  });
});

describe('an answer that is only unusual', () => {
  for (const [name, bytes, expected] of [
    ['no reason phrase', `HTTP/1.1 200\r\n${LENGTH}\r\nok`, 'HTTP/1.1 200 \r\n'],
    ['a reason phrase with bytes above ASCII loses it', `HTTP/1.1 200 caf\xe9\r\n${LENGTH}\r\nok`, 'HTTP/1.1 200 \r\n'],
    ['a status of a class that nobody knows', `HTTP/1.1 888 Odd\r\n${LENGTH}\r\nok`, 'HTTP/1.1 888 Odd\r\n'],
    ['3,000 fields', `${OK}${'A: b\r\n'.repeat(3_000)}${LENGTH}\r\nok`, `${OK}${'A: b\r\n'.repeat(3_000)}`],
    ['chunk extensions', `${OK}Transfer-Encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\n\r\n`, OK],
    ['an empty line before it', `\r\n\r\n${OK}${LENGTH}\r\nok`, OK],
  ] as const) {
    it(`${name}: passed on`, async () => {
      const wire = await wireAnswering(bytes);
      const received = await wire.exchange(POST);
      assert.ok(received.startsWith(expected), received.slice(0, 200));
      assert.match(received, /ok(?:\r\n0\r\n\r\n)?$/);
    });
  }

  it('HTTP/1.0 without a length, ended by closing: whole, in chunks, or for HTTP/1.0 ended by closing too', async () => {
    const wire = await wireAnswering('HTTP/1.0 200 OK\r\n\r\nok', 'close');
    assert.match(await wire.exchange(POST), /\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n$/i);
    const old = await wire.exchange('GET /x HTTP/1.0\r\n\r\n');
    assert.match(old, /\r\n\r\nok$/);
    assert.doesNotMatch(old, /transfer-encoding/i);
  });
});

describe('an early answer to an upload', () => {
  it('reaches the client, and neither connection carries what is left of the upload into another request', async () => {
    const wire = await startWire((heard, socket) => {
      if (!heard.includes('\r\n\r\n')) return false;
      socket.write(`HTTP/1.1 403 Forbidden\r\n${LENGTH}\r\nno`);
      return true;
    });
    open.push(wire);
    const client = await connectRaw(wire.gateway.port);
    client.send('POST /x HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\npart');
    assert.deepEqual(statusesOf(await client.until('\r\n\r\nno')), [403]);
    const before = wire.connections;
    await wire.canary();
    assert.equal(wire.connections, before + 1);
    client.send(`${'x'.repeat(99_996)}GET /next HTTP/1.1\r\nHost: x\r\n\r\n`);
    await eventually(() => /GET \/next/.test(wire.heard()), 'the next request at the upstream');
    client.socket.destroy();
  });
});

describe('an answer of many small chunks', () => {
  it('whose client reads it late waits with one listener, not one a chunk', async () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => warnings.push(warning);
    process.on('warning', onWarning);
    const chunks = `800\r\n${'x'.repeat(2_048)}\r\n`.repeat(10_000);
    let upstream: Socket | undefined;
    const wire = await startWire((_, socket) => {
      upstream = socket;
      socket.write(`${OK}Transfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`);
      return true;
    });
    open.push(wire);
    const client = await connectRaw(wire.gateway.port);
    client.socket.pause();
    client.send(request('GET'));
    // Both sockets are full: more has been read than the client takes, and the rest waits.
    let waiting = 0;
    await eventually(() => {
      const before = waiting;
      waiting = upstream?.writableLength ?? 0;
      return waiting > 0 && waiting === before;
    }, 'the answer to be held back');
    client.socket.resume();
    assert.ok((await client.closed()).endsWith('\r\n0\r\n\r\n'));
    process.off('warning', onWarning);
    assert.deepEqual(warnings.map(String), []);
  });
});
