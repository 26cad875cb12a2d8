// Binding and closing of both listeners.
import type { Server } from 'node:http';
import { type AddressInfo, Server as NetServer } from 'node:net';

/** Binds `host:port`; port 0 takes any free one. */
export function listen(server: Server, hostPort: string): Promise<string> {
  const { host, port } = splitHostPort(hostPort);
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken =
        error.code === 'EADDRINUSE' ? '; another process listens there: stop it, or configure another port' : '';
      reject(new Error(`cannot listen on ${hostPort}: ${error.message}${taken}`, { cause: error }));
    });
    server.listen(port, host, () => {
      const { address, family, port: bound } = server.address() as AddressInfo;
      resolve(family === 'IPv6' ? `[${address}]:${bound}` : `${address}:${bound}`);
    });
  });
}

function splitHostPort(hostPort: string): { host: string; port: number } {
  const colon = hostPort.lastIndexOf(':');
  return { host: hostPort.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(hostPort.slice(colon + 1)) };
}

/** How often a closing server looks for connections that have gone idle, or have not been used since the last look. */
const IDLE_SWEEP_MS = 50;

/** Takes no new connections, lets what is under way finish for at most `timeoutMs`, then cuts what is left. */
export async function closeServer(
  server: Server,
  timeoutMs: number,
  cutAll = () => server.closeAllConnections(),
): Promise<void> {
  // Only the listener is closed: http.Server's own close also cuts connections that were made a moment ago, and whose
  // request is still on its way.
  const closed = new Promise<void>((resolve) => NetServer.prototype.close.call(server, () => resolve()));
  // A kept-alive connection that was busy when the server closed stays open when it goes idle; so look again.
  const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS);
  const cut = setTimeout(cutAll, timeoutMs);
  await closed;
  clearInterval(sweep);
  clearTimeout(cut);
  server.close(); // Ends Node's watch over connections that are slow to send.
}
