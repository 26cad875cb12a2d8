// The http-proxy package (its maintained fork) as its documentation advises for speed: with a keep-alive agent.
import { Agent, createServer, ServerResponse } from 'node:http';
import { createProxyServer } from 'http-proxy';
import { CONNECTIONS, listenOnLoopback, type PeerProxy } from './peer.ts';

export const startHttpProxy: PeerProxy = (target) => {
  const proxy = createProxyServer({ target, agent: new Agent({ keepAlive: true, maxSockets: CONNECTIONS }) });
  proxy.on('error', (_error, _incoming, outgoing) => {
    if (outgoing instanceof ServerResponse && !outgoing.headersSent) outgoing.writeHead(502);
    outgoing.end();
  });
  return listenOnLoopback(createServer((incoming, outgoing) => proxy.web(incoming, outgoing)));
};
