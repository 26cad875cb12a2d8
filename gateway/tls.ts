// TLS at the edge: HTTP/2 and HTTP/1.1 on one port, certificates read anew when their files change.
import { readFileSync, watch } from 'node:fs';
import { createServer, type Server, type ServerOptions } from 'node:http';
import { createSecureServer, type Http2SecureServer, type ServerHttp2Session } from 'node:http2';
import { dirname } from 'node:path';
import type { GatewayConfig } from '../config/gateway-schema.ts';

type TlsConfig = NonNullable<GatewayConfig['tls']>;

/** A listener for requests of HTTP/1.1, and with TLS of HTTP/2 too; both have the events of an http.Server. */
export interface HttpListener {
  readonly server: Server;
  /** Tells clients of HTTP/2 to come back by another connection; requests under way go on (RFC 9113 section 6.8). */
  shed(): void;
  /** Cuts what HTTP/2 connections are left. */
  cut(): void;
  stopWatching(): void;
}

/** Files are replaced in several steps, and a key without its certificate is no pair; wait for the last step. */
const SETTLE_MS = 200;
/** One connection's share of the gateway: more streams wait at the client. WebSockets may be among them (RFC 8441). */
const SETTINGS = { maxConcurrentStreams: 256, enableConnectProtocol: true };

/**
 * A field that comes twice where it should come once goes on as it came, like over HTTP/1.1: Node would throw, and for a
 * trailer field where nothing can catch it.
 */
const FIELDS_AS_THEY_COME = { strictSingleValueFields: false };

/** Makes a listener. @throws when the certificate or its key cannot be read or used. */
export function createListener(
  options: ServerOptions,
  tls: TlsConfig | undefined,
  onReload: (problem: string | undefined) => void,
): HttpListener {
  if (!tls) return { server: createServer(options), shed() {}, cut() {}, stopWatching() {} };
  const { minVersion } = tls;
  const http2 = { allowHTTP1: true, settings: SETTINGS, ...FIELDS_AS_THEY_COME };
  const secure = createSecureServer({ ...options, ...readPair(tls), minVersion, ...http2 });
  const sessions = new Map<ServerHttp2Session, { streams: number }>(); // As many as the listener takes connections.
  secure.on('session', (session) => {
    const open = { streams: 0 };
    sessions.set(session, open);
    session.on('stream', (stream) => {
      open.streams++;
      stream.once('close', () => open.streams--);
    });
    // A session on which nothing moves is ended, unless it waits for an answer.
    session.setTimeout(options.keepAliveTimeout ?? 0, () => {
      if (open.streams === 0) session.close();
    });
    session.once('close', () => sessions.delete(session));
  });
  let settling: NodeJS.Timeout | undefined;

  function reload(): void {
    try {
      secure.setSecureContext({ ...readPair(tls as TlsConfig), minVersion });
      onReload(undefined);
    } catch (error) {
      onReload(`the certificate cannot be used: ${(error as Error).message}; the last good one stays in use`);
    }
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
    shed() {
      for (const session of sessions.keys()) session.close();
    },
    cut() {
      for (const session of sessions.keys()) session.destroy();
    },
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
