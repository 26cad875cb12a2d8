// The shortest proxy one would write on undici: request() over a pool, the answer's stream piped to the client. It does
// none of a proxy's duties (hop-by-hop fields, time-outs, abandoned requests), so it is faster than one that does.
import { createServer } from 'node:http';
import { Pool } from 'undici';
import { CONNECTIONS, listenOnLoopback, type PeerProxy } from './peer.ts';

export const startUndiciProxy: PeerProxy = (target) => {
  const pool = new Pool(target, { connections: CONNECTIONS });
  const server = createServer((incoming, outgoing) => {
    const { connection: _, ...headers } = incoming.headers;
    const method = incoming.method ?? 'GET';
    const body = method === 'GET' ? null : incoming;
    pool.request({ path: incoming.url ?? '/', method, headers, body }).then(
      (answer) => {
        outgoing.writeHead(answer.statusCode, answer.headers);
        answer.body.pipe(outgoing);
      },
      () => outgoing.writeHead(502).end(),
    );
  });
  return listenOnLoopback(server);
};
