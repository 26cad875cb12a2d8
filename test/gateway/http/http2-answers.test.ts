// Answers that HTTP/1.1 lets pass and HTTP/2 does not: clients of both get them.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { type ClientHttp2Session, connect as connectHttp2, type IncomingHttpHeaders } from 'node:http2';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { closingAfterEach } from '../../helpers/closing.ts';
import { eventually, within } from '../../helpers/deadline.ts';
import { routeOn, startTestGateway, type TestGateway } from '../../helpers/gateway.ts';
import { startRawServer } from '../../helpers/upstream.ts';

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures', 'tls');
const [cert, key] = ['one.cert.pem', 'one.key.pem'].map((name) => join(FIXTURES, name));

const kept = closingAfterEach();

/** A session with a gateway whose upstream answers everything with these bytes. */
async function sessionTo(answer: string): Promise<{ gateway: TestGateway; session: ClientHttp2Session }> {
  const upstream = await kept(startRawServer((socket) => socket.on('data', () => socket.write(answer, 'latin1'))));
  const gateway = await kept(
    startTestGateway({
      legacy: upstream.url,
      new: upstream.url,
      routes: [routeOn('/*', { timeoutMs: 2_000 })],
      overrides: { tls: { cert, key } },
    }),
  );
  const session = connectHttp2(`https://127.0.0.1:${gateway.port}`, { ca: readFileSync(cert ?? '') });
  session.on('error', () => {});
  void kept({ close: () => session.destroy() });
  return { gateway, session };
}

interface Answer {
  readonly headers: IncomingHttpHeaders & { ':status'?: number };
  readonly interim: readonly IncomingHttpHeaders[];
  readonly trailers: IncomingHttpHeaders;
  readonly body: string;
}

async function ask(session: ClientHttp2Session): Promise<Answer> {
  const stream = session.request({ ':path': '/x', te: 'trailers' });
  const interim: IncomingHttpHeaders[] = [];
  let [headers, trailers, body]: [IncomingHttpHeaders, IncomingHttpHeaders, string] = [{}, {}, ''];
  stream.on('headers', (fields) => interim.push(fields));
  stream.on('response', (fields) => {
    headers = fields;
  });
  stream.on('trailers', (fields) => {
    trailers = fields;
  });
  stream.on('data', (chunk: Buffer) => {
    body += chunk.toString('latin1');
  });
  stream.on('error', () => {});
  await within(new Promise((resolve) => stream.once('close', resolve)), 'the stream to end');
  return { headers, interim, trailers, body };
}

const TWICE = ['Date: Thu, 01 Jan 2026 00:00:00 GMT', 'X-Content-Type-Options: nosniff', 'ETag: "1"'];
const twice = [...TWICE, ...TWICE].join('\r\n');

describe('over HTTP/2 an answer', () => {
  it('with a field twice that HTTP/2 takes once has it once', async () => {
    const { session } = await sessionTo(`HTTP/1.1 200 OK\r\n${twice}\r\nContent-Length: 2\r\n\r\nok`);
    const { headers, body } = await ask(session);
    assert.equal(headers[':status'], 200);
    assert.equal(headers.etag, '"1"');
    assert.equal(headers['x-content-type-options'], 'nosniff');
    assert.equal(body, 'ok');
  });

  it('has every cookie, every Vary and bytes above ASCII, and no field of HTTP/1.1 alone', async () => {
    const { session } = await sessionTo(
      'HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\nVary: a\r\nVary: b\r\nX-Name: caf\xe9\r\nX_Under|: 1\r\n' +
        'HTTP2-Settings: x\r\nUpgrade: h2c\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nok',
    );
    const { headers, body } = await ask(session);
    assert.equal(headers[':status'], 200);
    assert.deepEqual(headers['set-cookie'], ['a=1', 'b=2']);
    assert.equal(headers.vary, 'a, b');
    assert.equal(headers['x-name'], 'caf\xe9');
    assert.equal(headers['http2-settings'], undefined);
    assert.equal(headers['x_under|'], '1');
    assert.equal(body, 'ok');
  });

  it('with such a field twice in an interim answer has that too', async () => {
    const { session } = await sessionTo(
      `HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nLink: </b>\r\n${twice}\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`,
    );
    const { headers, interim, body } = await ask(session);
    assert.equal(headers[':status'], 200);
    assert.equal(interim[0]?.link, '</a>, </b>');
    assert.equal(body, 'ok');
  });

  it('with such a field twice among its trailers is whole, and the gateway lives', async () => {
    const { session, gateway } = await sessionTo(
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: etag\r\n\r\n2\r\nok\r\n0\r\n${twice}\r\nX-Sum: 1\r\nX-Sum: 2\r\nHTTP2-Settings: x\r\n\r\n`,
    );
    const { trailers, body } = await ask(session);
    assert.equal(body, 'ok');
    assert.equal(trailers.etag, '"1"');
    assert.equal(trailers['x-sum'], '1, 2');
    const line = await eventually(() => gateway.log.find(({ msg }) => msg === 'request'), 'the line in the log');
    assert.equal(line.failure, undefined);
  });
});
