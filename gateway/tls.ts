// TLS at the edge: HTTP/2 and HTTP/1.1 on one port, certificates read anew when their files change.
import { readFileSync, watch } from 'node:fs';
import { createServer, type Server, type ServerOptions } from 'node:http';
import { createSecureServer, type Http2SecureServer } from 'node:http2';
import { dirname } from 'node:path';
import type { GatewayConfig } from '../config/gateway-schema.ts';

type TlsConfig = NonNullable<GatewayConfig['tls']>;

/** A listener for requests of HTTP/1.1, and with TLS of HTTP/2 too; both have the events of an http.Server. */
export interface HttpListener {
  readonly server: Server;
  /** Why the certificate in use is not the one in its files, or undefined. */
  problem(): string | undefined;
  stopWatching(): void;
}

/** Files are replaced in several steps, and a key without its certificate is no pair; wait for the last step. */
const SETTLE_MS = 200;

/** Makes a listener. @throws when the certificate or its key cannot be read or used. */
export function createListener(
  options: ServerOptions,
  tls: TlsConfig | undefined,
  onReload: (problem?: string) => void,
): HttpListener {
  if (!tls) return { server: createServer(options), problem: () => undefined, stopWatching() {} };
  const secure = createSecureServer({ ...options, ...readPair(tls), allowHTTP1: true, minVersion: tls.minVersion });
  let problem: string | undefined;
  let settling: NodeJS.Timeout | undefined;

  function reload(): void {
    try {
      secure.setSecureContext({ ...readPair(tls as TlsConfig), minVersion: (tls as TlsConfig).minVersion });
      problem = undefined;
    } catch (error) {
      problem = `the certificate cannot be used: ${(error as Error).message}; the last good one stays in use`;
    }
    onReload(problem);
  }

  const folders = new Set([dirname(tls.cert), dirname(tls.key)]);
  const watchers = [...folders].map((folder) =>
    watch(folder, { persistent: false }, () => {
      clearTimeout(settling);
      settling = setTimeout(reload, SETTLE_MS);
    }),
  );
  return {
    server: asServer(secure),
    problem: () => problem,
    stopWatching() {
      clearTimeout(settling);
      for (const watcher of watchers) watcher.close();
    },
  };
}

function readPair({ cert, key }: TlsConfig): { cert: Buffer; key: Buffer } {
  return { cert: readFileSync(cert), key: readFileSync(key) };
}

/** With allowHTTP1 an Http2SecureServer has an http.Server's events, and its requests the same shape. */
function asServer(server: Http2SecureServer): Server {
  return server as unknown as Server;
}
