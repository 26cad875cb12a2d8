import { once } from 'node:events';
import { type ServerOptions, WebSocketServer } from 'ws';

/** A WebSocket server that answers `name: message`. */
export async function startWebSocketEcho(name: string, options: ServerOptions = {}) {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', ...options });
  await once(server, 'listening');
  const closes: { code: number }[] = [];
  let notify = () => {};
  server.on('connection', (socket) => {
    socket.on('message', (data) => socket.send(`${name}: ${data}`));
    socket.on('close', (code) => {
      closes.push({ code });
      notify();
    });
  });
  const address = server.address();
  return {
    url: `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}`,
    /** The first close of a connection. */
    closed: () =>
      new Promise<{ code: number }>((resolve) => {
        notify = () => {
          const [first] = closes;
          if (first) resolve(first);
        };
        notify();
      }),
    async close() {
      for (const client of server.clients) client.terminate();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
