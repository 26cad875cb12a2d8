// The http-proxy package (its maintained fork) as its documentation advises for speed: with a keep-alive agent. WebSockets it
// tunnels.
import { Agent, createServer, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import { createProxyServer } from 'http-proxy';
import { CONNECTIONS, listenOnLoopback, type PeerProxy } from './peer.ts';

export const startHttpProxy: PeerProxy = (target) => {
  const proxy = createProxyServer({ target, agent: new Agent({ keepAlive: true, maxSockets: CONNECTIONS }) });
  proxy.on('error', (_error, _incoming, outgoing) => {
    if (outgoing instanceof ServerResponse && !outgoing.headersSent) outgoing.writeHead(502);
    outgoing.end();
  });
  const tunnels = createProxyServer({ target });
  tunnels.on('error', () => {}); // It has closed the client's socket.
  const server = createServer((incoming, outgoing) => proxy.web(incoming, outgoing));
  server.on('upgrade', (incoming, socket, head) => {
    if (socket instanceof Socket) tunnels.ws(incoming, socket, head);
  });
  return listenOnLoopback(server);
};
