// Clients of HTTP/2 that do not read their answers.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type ClientHttp2Stream, connect as connectHttp2 } from 'node:http2';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { closingAfterEach } from '../../helpers/closing.ts';
import { eventually, within } from '../../helpers/deadline.ts';
import { routeOn, startTestGateway, type TestGateway } from '../../helpers/gateway.ts';
import { startUpstream } from '../../helpers/upstream.ts';

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures', 'tls');
const [cert, key] = ['one.cert.pem', 'one.key.pem'].map((name) => join(FIXTURES, name));
const BODY_BYTES = 6_000_000;
const IDLE_MS = 500;

const kept = closingAfterEach();

/** Asks for an answer of many bytes, whose body is not read until somebody does. */
async function asked(): Promise<{ gateway: TestGateway; stream: ClientHttp2Stream }> {
  const upstream = await kept(startUpstream((_, outgoing) => outgoing.end(Buffer.alloc(BODY_BYTES, 'x'))));
  const gateway = await kept(
    startTestGateway({
      legacy: upstream.url,
      new: upstream.url,
      routes: [routeOn('/*', { timeoutMs: 60_000 })],
      overrides: { tls: { cert, key }, limits: { bodyIdleTimeoutMs: IDLE_MS } },
    }),
  );
  const session = connectHttp2(`https://127.0.0.1:${gateway.port}`, { ca: readFileSync(cert ?? '') });
  session.on('error', () => {});
  void kept({ close: () => session.destroy() });
  const stream = session.request({ ':path': '/x' });
  stream.on('error', () => {});
  await within(once(stream, 'response'), 'the head of the answer');
  return { gateway, stream };
}

const lineOf = (gateway: TestGateway) =>
  eventually(() => gateway.log.find(({ msg }) => msg === 'request'), 'the line in the log');

describe('a client of HTTP/2', () => {
  it('that reads nothing of its answer is cut off, and its request does not stay in flight', async () => {
    const { gateway } = await asked();
    assert.equal((await lineOf(gateway)).failure, 'client_left');
    const { body } = await gateway.api('GET', '/metrics');
    assert.match(body, /banyan_requests_refused_total\{reason="read_timeout"\} 1/);
    assert.match(body, /banyan_requests_in_flight 0/);
  });

  it('that reads slowly gets its whole answer, however long that takes', async () => {
    const { gateway, stream } = await asked();
    let bytes = 0;
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      stream.pause();
    });
    const reading = setInterval(() => stream.resume(), 5);
    await within(once(stream, 'close'), 'the end of the answer', 30_000);
    clearInterval(reading);
    assert.equal(bytes, BODY_BYTES);
    assert.equal((await lineOf(gateway)).failure, undefined);
  });
});
