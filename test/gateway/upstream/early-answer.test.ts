// An upstream that has answered and closed by the time that more of the request is written to it.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { it } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { ExchangeHandler, Upload, UploadSink } from '../../../gateway/upstream/exchange.ts';
import { createPool } from '../../../gateway/upstream/pool.ts';
import { closingAfterEach } from '../../helpers/closing.ts';
import { within } from '../../helpers/deadline.ts';

const kept = closingAfterEach();

/** Answers the first bytes that it hears as it is told, resets the connection, and says so in `done`. On a thread of its own, since the test's is held up. */
const UPSTREAM = `
const { createServer } = require('node:net');
const { parentPort, workerData: { done, answer } } = require('node:worker_threads');
const server = createServer((socket) => socket.on('error', () => {}).once('data', () => {
  const reset = () => {
    socket.resetAndDestroy();
    Atomics.store(done, 0, 1);
    Atomics.notify(done, 0);
  };
  if (answer === '') reset();
  else socket.write(answer, reset);
}));
server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port));
`;

async function exchangeWith(answer: string): Promise<readonly unknown[]> {
  const done = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(UPSTREAM, { eval: true, workerData: { done, answer } });
  const [port] = await within(once(worker, 'message'), 'the upstream to listen');
  const pool = createPool({ url: `http://127.0.0.1:${port}`, connections: 1, connectTimeoutMs: 1_000, tls: {} });
  await kept({
    async close() {
      pool.destroy();
      await worker.terminate();
    },
  });
  const body: Upload = {
    expectsContinue: false,
    start(sink: UploadSink) {
      // Nothing is read meanwhile, so that what the upstream has said still waits when the write fails.
      assert.notEqual(Atomics.wait(done, 0, 0, 5_000), 'timed-out');
      sink.write(Buffer.from('more'), true);
      sink.write(Buffer.from('and more'), true);
    },
    resume() {},
    stop() {},
  };
  return within(
    new Promise((resolve) => {
      const heard: unknown[] = [];
      const handler: ExchangeHandler = {
        onSent() {},
        onInterim() {},
        onHead: ({ status }) => void heard.push(status),
        onData: (part) => void heard.push(String(part)),
        onEnd: () => resolve([...heard, 'end']),
        onFailure: (failure) => resolve([...heard, failure]),
      };
      pool.send({ method: 'POST', path: '/x', headers: ['Host', 'h', 'Content-Length', '1000000'], body }, handler);
    }),
    'the end of the exchange',
  );
}

it('an upstream that answers, closes and reads no more is heard, although the next write fails', async () => {
  const answer = 'HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\ntoo';
  assert.deepEqual(await exchangeWith(answer), [413, 'too', 'end']);
});

it('one that closes within its answer has failed within it', async () => {
  const answer = 'HTTP/1.1 413 Content Too Large\r\nContent-Length: 30\r\n\r\ntoo';
  assert.deepEqual(await exchangeWith(answer), [413, 'too', 'response_cut']);
});

it('one that closes without an answer has reset the connection', async () => {
  assert.deepEqual(await exchangeWith(''), ['upstream_reset']);
});
