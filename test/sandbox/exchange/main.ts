// The simulated exchange as a process. Environment: EXCHANGE_LISTEN (127.0.0.1:8010), EXCHANGE_API_KEY,
// EXCHANGE_SECRET_KEY. Its book opens with the seed's open orders, so that both backends can cancel them.
import process from 'node:process';
import { restingOrders } from '../seed/resting.ts';
import { stopOnSignal } from '../stop.ts';
import { createExchangeSimulator } from './server.ts';

/** The seed has more open orders than the exchange lets one account have; traffic adds its own. */
const OPEN_ORDERS_MAX = 20_000;

const [host = '', port] = (process.env.EXCHANGE_LISTEN ?? '127.0.0.1:8010').split(':');
const exchange = await createExchangeSimulator({
  host,
  port: Number(port),
  apiKey: process.env.EXCHANGE_API_KEY ?? 'mx0sandbox',
  secretKey: process.env.EXCHANGE_SECRET_KEY ?? 'sandbox-secret',
  openOrdersMax: OPEN_ORDERS_MAX,
  restingOrders: restingOrders(),
});
stopOnSignal('exchange', () => exchange.close());
console.log(JSON.stringify({ listening: { http: new URL(exchange.url).host } }));
