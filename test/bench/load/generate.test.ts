import assert from 'node:assert/strict';
import { test } from 'node:test';
import { freePort } from '../../helpers/free-port.ts';
import { startRawServer, startUpstream } from '../../helpers/upstream.ts';
import { answersOf } from '../upstream/answers.ts';
import { serveConnection } from '../upstream/connection.ts';
import { runLoad } from './generate.ts';

const LOAD = { seconds: 0.2, connections: 4 } as const;

test('a closed loop on an upstream that answers well: requests go round and none is wrong', async () => {
  for (const workload of ['order', 'list'] as const) {
    const upstream = await startRawServer((socket) => serveConnection(socket, answersOf('legacy')));
    try {
      const result = await runLoad({ ...LOAD, workload, target: `127.0.0.1:${upstream.port}` });
      assert.equal(result.errors, 0);
      assert.ok(result.requests > LOAD.connections, `${result.requests} requests`);
      assert.equal(upstream.seen, LOAD.connections);
    } finally {
      await upstream.close();
    }
  }
});

test('a fixed rate: exactly the requests that are due are sent, whatever the answers take', async () => {
  const upstream = await startRawServer((socket) => serveConnection(socket, answersOf('legacy')));
  try {
    const target = `127.0.0.1:${upstream.port}`;
    const result = await runLoad({ ...LOAD, workload: 'order', target, ratePerSecond: 500 });
    assert.deepEqual([result.requests, result.errors], [100, 0]);
  } finally {
    await upstream.close();
  }
});

test('answers whose bytes are not the expected ones, or whose status is not 200: errors, each of them', async () => {
  const wrong = await startRawServer((socket) => serveConnection(socket, answersOf('new')));
  const failing = await startUpstream((_, outgoing) => outgoing.writeHead(502).end());
  try {
    for (const { port } of [wrong, failing]) {
      const target = `127.0.0.1:${port}`;
      const result = await runLoad({ ...LOAD, workload: 'order', target, ratePerSecond: 500 });
      assert.equal(result.errors, 100);
    }
  } finally {
    await Promise.all([wrong.close(), failing.close()]);
  }
});

test('nobody listens: every request is an error, and the load ends in time', async () => {
  const result = await runLoad({
    ...LOAD,
    workload: 'order',
    target: `127.0.0.1:${await freePort()}`,
    ratePerSecond: 100,
  });
  assert.equal(result.errors, 20);
  assert.equal(result.p99Ms, 0);
});
