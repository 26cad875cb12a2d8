// The operator's listener: its own port, loopback unless configured otherwise.
import { getRequestListener } from '@hono/node-server';
import { closeServer, listen } from '../listen.ts';
import { createListener } from '../tls.ts';
import { createOperatorApp } from './app.ts';
import type { OperatorDeps } from './context.ts';
import { createFeed } from './events/feed.ts';

const CLOSE_TIMEOUT_MS = 1_000;

export interface OperatorServer {
  listen(hostPort: string): Promise<string>;
  /** Says "not ready" from now on, so that balancers stop sending, and ends event streams. */
  drain(): void;
  close(): Promise<void>;
}

/** @throws when the certificate or its key cannot be read or used. */
export function createOperatorServer(deps: OperatorDeps): OperatorServer {
  let draining = false;
  const isDraining = () => draining;
  const feed = createFeed(deps, isDraining);
  const app = createOperatorApp(deps, feed, isDraining);
  const listener = createListener({}, deps.operators.config.tls, (problem) => {
    deps.log[problem === undefined ? 'info' : 'error']({ problem }, "the operator's certificate");
  });
  // Without this the adapter replaces Request and Response for the whole process.
  listener.server.on('request', getRequestListener(app.fetch, { overrideGlobalObjects: false }));
  return {
    listen: (hostPort) => listen(listener.server, hostPort),
    drain() {
      draining = true;
      feed.close();
    },
    async close() {
      feed.close();
      listener.stopWatching();
      listener.shed();
      await closeServer(listener.server, CLOSE_TIMEOUT_MS, () => {
        listener.cut();
        listener.server.closeAllConnections?.();
      });
    },
  };
}
