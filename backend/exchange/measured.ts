// An exchange whose calls are timed and counted by what came of them.
import type { Metrics } from '../metrics.ts';
import type { Exchange } from './exchange.ts';

export function measuredExchange(exchange: Exchange, metrics: Metrics): Exchange {
  async function timed<T extends { kind: string }>(operation: string, call: Promise<T>): Promise<T> {
    const startedAtMs = performance.now();
    const result = await call;
    metrics.exchangeSeconds.observe({ operation, result: result.kind }, (performance.now() - startedAtMs) / 1000);
    return result;
  }
  return {
    ...exchange,
    submit: (order) => timed('submit', exchange.submit(order)),
    preview: (order) => timed('preview', exchange.preview(order)),
    find: (ref) => timed('find', exchange.find(ref)),
    cancel: (ref) => timed('cancel', exchange.cancel(ref)),
    balances: (account) => timed('balances', exchange.balances(account)),
    price: (symbol) => timed('price', exchange.price(symbol)),
  };
}
