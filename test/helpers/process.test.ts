import assert from 'node:assert/strict';
import { test } from 'node:test';
import { spawnServer } from './process.ts';

const listens = 'console.log(JSON.stringify({ listening: { http: "127.0.0.1:1" } })); setInterval(() => {}, 1000);';

test('a server that listens, then its addresses are known and SIGTERM stops it', async () => {
  const server = await spawnServer({ args: ['-e', `console.error('hello'); ${listens}`] });
  assert.deepEqual(server.listening, { http: '127.0.0.1:1' });
  assert.deepEqual(await server.stop(), { code: null, signal: 'SIGTERM' });
  assert.equal(server.stderr(), 'hello\n');
  assert.deepEqual(await server.stop(), { code: null, signal: 'SIGTERM' });
});

test('a server that ends before it listens, then its last words are in the error', async () => {
  await assert.rejects(spawnServer({ args: ['-e', 'console.error("no port"); process.exit(3)'] }), (error: Error) => {
    assert.match(error.message, /ended before it listened \(exit code 3\)\nno port/);
    return true;
  });
});

test('a server that says something else or nothing, then it is not waited for and not left running', async () => {
  await assert.rejects(
    spawnServer({ args: ['-e', 'console.log("{}"); setInterval(() => {}, 1000)'] }),
    /expected a listening line/,
  );
  const silent = { args: ['-e', 'setInterval(() => {}, 1000)'], readyMs: 300 };
  await assert.rejects(spawnServer(silent), /waited 300 ms/);
});

test('a server deaf to SIGTERM, then SIGKILL ends it after the deadline', async () => {
  const server = await spawnServer({ args: ['-e', `process.on('SIGTERM', () => {}); ${listens}`], stopMs: 200 });
  assert.deepEqual(await server.stop(), { code: null, signal: 'SIGKILL' });
});

test('a program that does not exist, then the error says so', async () => {
  await assert.rejects(spawnServer({ command: '/nowhere/at-all', args: [] }), /ENOENT/);
});
