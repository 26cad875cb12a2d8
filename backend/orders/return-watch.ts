// Noticing that the exchange is back: what happened to orders while it could not be asked is to be found out at once.
import type { Exchange } from '../exchange/exchange.ts';

type Result = { readonly kind: string; readonly reason?: string };

const isAway = (result: Result) =>
  result.kind === 'unknown' || (result.kind === 'rejected' && result.reason === 'unreachable');

/** The exchange, and `onReturn` called when it answers after a call that it did not. */
export function createReturnWatch(exchange: Exchange, onReturn: () => void): Exchange {
  let wasAway = false;

  async function watched<T extends Result>(call: Promise<T>): Promise<T> {
    const result = await call;
    const away = isAway(result);
    if (wasAway && !away) onReturn();
    wasAway = away;
    return result;
  }

  return {
    ...exchange,
    submit: (order) => watched(exchange.submit(order)),
    find: (ref) => watched(exchange.find(ref)),
    cancel: (ref) => watched(exchange.cancel(ref)),
  };
}
