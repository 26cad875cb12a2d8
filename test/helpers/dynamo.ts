import { once } from 'node:events';
import type { Server } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';

/** dynalite has no types: what is used of it. */
type Dynalite = (options: {
  path?: string;
  createTableMs: number;
  updateTableMs: number;
  deleteTableMs: number;
}) => Server;

export type DynamoServer = { readonly endpoint: string; readonly close: () => Promise<void> };

/** A DynamoDB stand-in in this process, on loopback; in memory, or with its files under `path`. */
export async function startDynalite(path?: string, port = 0): Promise<DynamoServer> {
  const dynalite = createRequire(import.meta.url)('dynalite') as Dynalite;
  const delays = { createTableMs: 0, updateTableMs: 0, deleteTableMs: 0 };
  const server = dynalite(path === undefined ? delays : { ...delays, path });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async close() {
      const closed = new Promise<void>((resolve, reject) => {
        server.close((error) => (error ? reject(error) : resolve()));
      });
      server.closeAllConnections();
      await closed;
    },
  };
}
