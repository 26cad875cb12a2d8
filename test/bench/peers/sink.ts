// A table that takes everything at once: what a writer costs, and nothing of what a table costs.
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

const ANSWER = '{"UnprocessedItems":{}}';

const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    const headers = { 'content-type': 'application/x-amz-json-1.0', 'content-length': ANSWER.length };
    response.writeHead(200, headers).end(ANSWER);
  });
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
console.log(JSON.stringify({ listening: { http: `127.0.0.1:${(server.address() as AddressInfo).port}` } }));
for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, () => process.exit(0));
