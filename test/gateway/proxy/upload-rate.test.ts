import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { it } from 'node:test';
import { UploadWatch } from '../../../gateway/proxy/upload-rate.ts';
import { closingAfterEach } from '../../helpers/closing.ts';
import { eventually, within } from '../../helpers/deadline.ts';

const kept = closingAfterEach();
const RATE = { bytesPerSecondMin: 1_000, windowMs: 60 };

/** A connection, and what its server has of it. */
async function startPair(): Promise<{ client: Socket; server: Socket }> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const address = listener.address();
  assert.ok(address && typeof address === 'object');
  const accepted = once(listener, 'connection');
  const client = connect(address.port, '127.0.0.1');
  const [server]: Socket[] = await within(accepted, 'the connection');
  assert.ok(server);
  await kept({
    close() {
      client.destroy();
      server.destroy();
      listener.close();
    },
  });
  return { client, server };
}

it('a body that came while the process was busy was not slow', async () => {
  const { client, server } = await startPair();
  let isSlow = false;
  let bytes = 0;
  const watch = new UploadWatch(RATE, () => {
    isSlow = true;
  });
  server.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    watch.received(chunk.length);
    watch.stop();
  });
  client.write('a'.repeat(1_000));
  const until = performance.now() + 2 * RATE.windowMs;
  while (performance.now() < until);
  await eventually(() => bytes > 0, 'the bytes');
  assert.equal(isSlow, false);
});

it('a body of which nothing comes is slow, once', async () => {
  let times = 0;
  const watch = new UploadWatch({ ...RATE, windowMs: 5 }, () => times++);
  await eventually(() => times > 0, 'the verdict');
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(times, 1);
  watch.stop();
});
