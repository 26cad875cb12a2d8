// Cross-origin requests of the frontend (the Fetch standard, section 3.2), answered for both sides alike, so that a flip
// cannot change what a browser allows. Pure.
import type { GatewayConfig } from '../../config/gateway-schema.ts';
import { headerValue } from '../proxy/headers.ts';

type CorsConfig = NonNullable<GatewayConfig['cors']>;

export interface Cors {
  /** The fields of the answer to a preflight request; undefined when the request is none, or its origin is not allowed. */
  preflight(method: string, pairs: readonly string[]): readonly string[] | undefined;
  /** Fields added to the answer of a request from an allowed origin. */
  added(pairs: readonly string[]): readonly string[];
  /** Whether a backend's own field (by its lower-case name) is replaced; undefined: none is. */
  readonly isReplaced: ((lowerName: string) => boolean) | undefined;
}

const NONE: readonly string[] = [];
const OFF: Cors = { preflight: () => undefined, added: () => NONE, isReplaced: undefined };

export function compileCors(config: CorsConfig | undefined): Cors {
  if (!config) return OFF;
  const origins = new Set(config.origins);
  const allowed = (pairs: readonly string[]) => {
    const origin = headerValue(pairs, 'origin');
    return origin !== undefined && (origins.has('*') || origins.has(origin)) ? origin : undefined;
  };
  // The origin itself rather than `*`: credentials demand it, and Vary then keeps caches from mixing answers up.
  const common = (origin: string) => [
    ...['access-control-allow-origin', origin, 'vary', 'Origin'],
    ...(config.credentials ? ['access-control-allow-credentials', 'true'] : []),
  ];
  return {
    preflight(method, pairs) {
      if (method !== 'OPTIONS' || headerValue(pairs, 'access-control-request-method') === undefined) return undefined;
      const origin = allowed(pairs);
      if (origin === undefined) return undefined;
      const asked = headerValue(pairs, 'access-control-request-headers');
      const headers = config.headers.length > 0 ? config.headers.join(', ') : asked;
      return [
        ...common(origin),
        ...['access-control-allow-methods', config.methods.join(', ')],
        ...(headers === undefined ? [] : ['access-control-allow-headers', headers]),
        ...['access-control-max-age', String(config.maxAgeSeconds), 'content-length', '0'],
      ];
    },
    added(pairs) {
      const origin = allowed(pairs);
      if (origin === undefined) return NONE;
      const exposed = config.expose.join(', ');
      return exposed ? [...common(origin), 'access-control-expose-headers', exposed] : common(origin);
    },
    isReplaced: (lowerName) => lowerName.startsWith('access-control-'),
  };
}
