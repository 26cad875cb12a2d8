// Counts the writes that the new side has accepted, and that legacy thus lacks: no copy of a write has an effect on the
// side that gets it (docs/shadow-header.md). Off the path of requests, but for one look at each that new has answered.
import { decodeBody } from '../mirror/decode.ts';
import { type Capture, createCapture } from '../proxy/capture.ts';
import type { ForwardResult } from '../proxy/forward.ts';
import { headerValue } from '../proxy/headers.ts';
import { isSafe } from '../routing/method.ts';
import type { RouteModel } from '../routing/route.ts';
import type { Side } from '../routing/side.ts';
import { compileWriteKeys, type WriteKeys } from './write-key.ts';
import type { WriteTally } from './write-tally.ts';

/** Of a larger answer nobody looks for a key. */
const BODY_BYTES_MAX = 65_536;

export interface AskedWrite {
  readonly method: string;
  /** In origin-form; there is one, or nobody would have been asked. */
  readonly path: string | undefined;
  readonly pairs: readonly string[];
  readonly requestId: string;
}

export interface WriteCounter {
  /** What of a request that is about to be forwarded has to be kept for its key; undefined for most. */
  captures(
    route: RouteModel,
    method: string,
    side: Side,
  ): { readonly request: Capture; readonly response: Capture } | undefined;
  /** The new side has answered. `captured` is what was kept of its answer. Never throws. */
  answered(route: RouteModel, request: AskedWrite, result: ForwardResult, captured: Capture | undefined): void;
}

export interface WriteCounterDeps {
  readonly tally: Pick<WriteTally, 'count'>;
  readonly nowMs: () => number;
  readonly raised: (operation: string, error: unknown) => void;
}

export function createWriteCounter({ tally, nowMs, raised }: WriteCounterDeps): WriteCounter {
  // By the route itself, so that a configuration read anew has keys of its own.
  const book = new WeakMap<RouteModel, WriteKeys>();
  const keysOf = (route: RouteModel) => {
    const keys = book.get(route) ?? compileWriteKeys(route.config);
    book.set(route, keys);
    return keys;
  };

  async function count(route: RouteModel, request: AskedWrite, result: ForwardResult, body: Buffer | undefined) {
    const { path = '', pairs, requestId } = request;
    const { headers } = result;
    const decoded = body && (await decodeBody(body, headerValue(headers, 'content-encoding')));
    tally.count(route.id, keysOf(route).of({ path, pairs, requestId, headers, body: decoded }), nowMs());
  }

  return {
    captures(route, method, side) {
      if (side !== 'new' || isSafe(method) || !route.config.writes.count || !keysOf(route).needsBody) return undefined;
      return { request: createCapture(0), response: createCapture(BODY_BYTES_MAX) };
    },
    answered(route, request, result, captured) {
      const { status = 0 } = result;
      if (isSafe(request.method) || status < 200 || status > 299 || !route.config.writes.count) return;
      const body = keysOf(route).needsBody ? captured?.body() : undefined;
      count(route, request, result, body).catch((error: unknown) => {
        raised('writes', error);
        tally.count(route.id, `request-id=${request.requestId}`, nowMs());
      });
    },
  };
}
