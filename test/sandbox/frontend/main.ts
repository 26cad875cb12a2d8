// A frontend as users have one, as a process: one page that points only at the gateway. Environment: FRONTEND_LISTEN
// (127.0.0.1:8082), GATEWAY_URL.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import process from 'node:process';
import { stopOnSignal } from '../stop.ts';

const { FRONTEND_LISTEN = '127.0.0.1:8082', GATEWAY_URL } = process.env;
if (!GATEWAY_URL) {
  console.error('frontend: set GATEWAY_URL (http://...)');
  process.exit(2);
}
const FOLDER = join(import.meta.dirname, 'page');
const read = (name: string, type: string) => ({ type, body: readFileSync(join(FOLDER, name), 'utf8') });
const FILES = new Map([
  ['/', read('index.html', 'text/html; charset=utf-8')],
  ['/page.js', read('page.js', 'text/javascript; charset=utf-8')],
  ['/follow.js', read('follow.js', 'text/javascript; charset=utf-8')],
  ['/page.css', read('page.css', 'text/css; charset=utf-8')],
  ['/gateway.json', { type: 'application/json', body: JSON.stringify({ url: GATEWAY_URL }) }],
]);
/** The page may talk to the gateway, and to nobody else. */
const POLICY = `default-src 'self'; connect-src 'self' ${GATEWAY_URL} ${GATEWAY_URL.replace(/^http/, 'ws')}`;

const server = createServer((incoming, outgoing) => {
  const file = FILES.get(new URL(incoming.url ?? '/', 'http://page').pathname);
  const headers = { 'content-security-policy': POLICY, 'cache-control': 'no-cache' };
  if (file) outgoing.writeHead(200, { ...headers, 'content-type': file.type }).end(file.body);
  else outgoing.writeHead(404).end();
});
const [host = '127.0.0.1', port = '0'] = FRONTEND_LISTEN.split(':');
server.listen(Number(port), host, () => {
  const { port: bound } = server.address() as AddressInfo;
  console.log(JSON.stringify({ listening: { http: `${host}:${bound}` } }));
});
stopOnSignal('frontend', async () => {
  server.closeAllConnections();
  server.close();
});
