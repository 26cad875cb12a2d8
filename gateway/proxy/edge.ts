// The gateway as the edge: what it makes of a client's connection, and what it adds to the request on its way upstream.
import type { Socket } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { GatewayConfig } from '../../config/gateway-schema.ts';
import type { Side } from '../routing/side.ts';
import {
  type Connection,
  clientAddress,
  compileForwarded,
  forwardedFields,
  isForwardedField,
  plainAddress,
} from './forwarded.ts';
import { headerValue, requestHeaders } from './headers.ts';
import { newTraceparent, traceIdOf } from './trace.ts';

export interface Edge {
  /** The address of the client itself, behind our own proxies. */
  clientAddress(pairs: readonly string[], connection: Connection): string;
  /** A request's fields as they go upstream. */
  headers(pairs: readonly string[], connection: Connection, request: EdgeRequest): string[];
}

export interface EdgeRequest {
  readonly requestId: string;
  readonly side: Side;
  /** The span that sends it, where it is traced. */
  readonly traceparent?: string | undefined;
}

export function compileEdge(config: GatewayConfig): Edge {
  const policy = compileForwarded(config.forwarded, config.trustedProxies);
  const passes = policy.mode === 'pass';
  const hosts = { legacy: hostOf(config.upstreams.legacy), new: hostOf(config.upstreams.new) };
  return {
    clientAddress: (pairs, connection) => clientAddress(pairs, connection, policy),
    headers(pairs, connection, { requestId, side, traceparent }) {
      const added = passes ? [] : forwardedFields(pairs, connection, policy);
      const newId = config.requestId && headerValue(pairs, 'x-request-id') !== requestId;
      if (newId) added.push('X-Request-Id', requestId);
      const isTraced = traceIdOf(pairs) !== undefined;
      const parent = traceparent ?? (config.trace === 'begin' && !isTraced ? newTraceparent(requestId) : undefined);
      if (parent !== undefined) added.push('traceparent', parent);
      const isReplaced = (lowerName: string) =>
        (!passes && isForwardedField(lowerName)) ||
        (newId && lowerName === 'x-request-id') ||
        (parent !== undefined && lowerName === 'traceparent') ||
        (parent !== undefined && !isTraced && lowerName === 'tracestate');
      return requestHeaders(pairs, { added, isReplaced, host: hosts[side] });
    },
  };
}

function hostOf({ url, host }: GatewayConfig['upstreams']['legacy']): string | undefined {
  return host === 'rewrite' ? new URL(url).host : undefined;
}

/** What is known of a connection whatever the client says. */
export function connectionOf(socket: Socket): Connection {
  return {
    address: plainAddress(socket.remoteAddress),
    encrypted: (socket as Partial<TLSSocket>).encrypted === true,
    localPort: socket.localPort ?? 0,
  };
}
