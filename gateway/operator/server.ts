// The operator's listener: its own port, loopback unless configured otherwise.
import type { Server } from 'node:http';
import { createAdaptorServer } from '@hono/node-server';
import { closeServer, listen } from '../listen.ts';
import { createOperatorApp } from './app.ts';
import type { OperatorDeps } from './context.ts';

const CLOSE_TIMEOUT_MS = 1_000;

export interface OperatorServer {
  listen(hostPort: string): Promise<string>;
  /** Says "not ready" from now on, so that balancers stop sending. */
  drain(): void;
  close(): Promise<void>;
}

export function createOperatorServer(deps: OperatorDeps): OperatorServer {
  let draining = false;
  const app = createOperatorApp(deps, () => draining);
  // Without this the adapter replaces Request and Response for the whole process.
  const server = createAdaptorServer({ fetch: app.fetch, overrideGlobalObjects: false }) as Server;
  return {
    listen: (hostPort) => listen(server, hostPort),
    drain() {
      draining = true;
    },
    close: () => closeServer(server, CLOSE_TIMEOUT_MS),
  };
}
