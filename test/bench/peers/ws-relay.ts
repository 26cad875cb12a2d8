// A relay of WebSockets message by message on the ws package: what one writes who wants to see, or compare, the messages.
import { createServer } from 'node:http';
import { WebSocket, WebSocketServer } from 'ws';
import { listenOnLoopback, type PeerProxy } from './peer.ts';

export const startWsRelay: PeerProxy = (target) => {
  const server = createServer();
  const clients = new WebSocketServer({ server, perMessageDeflate: false });
  clients.on('connection', (client, { url = '/' }) => {
    client.pause();
    const upstream = new WebSocket(`${target.replace('http', 'ws')}${url}`, { perMessageDeflate: false });
    upstream.on('open', () => {
      relay(client, upstream);
      relay(upstream, client);
      client.resume();
    });
  });
  return listenOnLoopback(server);
};

/** Passes messages on, no faster than they are read. */
function relay(from: WebSocket, to: WebSocket): void {
  from.on('error', () => {}); // A 'close' follows.
  from.on('close', () => to.close());
  from.on('message', (data, binary) => {
    to.send(data, { binary }, () => {
      if (to.bufferedAmount < BUFFERED_MAX && from.isPaused) from.resume();
    });
    if (to.bufferedAmount >= BUFFERED_MAX) from.pause();
  });
}

const BUFFERED_MAX = 65_536;
