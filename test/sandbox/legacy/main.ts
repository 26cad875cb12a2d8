// The legacy backend as a process. Environment: LEGACY_LISTEN (127.0.0.1:8001), DATABASE_URL, EXCHANGE_URL,
// EXCHANGE_API_KEY, EXCHANGE_SECRET_KEY, LEGACY_PLANTED ("false" for none of the planted differences), REDIS_URL (none: no
// streams but of prices), SOLANA_RPC_URL (none: nothing of Solana).
import process from 'node:process';
import { stopOnSignal } from '../stop.ts';
import { createLegacy } from './server.ts';

const { env } = process;
const databaseUrl = env.DATABASE_URL;
const exchangeUrl = env.EXCHANGE_URL;
if (!databaseUrl || !exchangeUrl) {
  console.error('legacy: set DATABASE_URL (postgres://...) and EXCHANGE_URL (http://...)');
  process.exit(2);
}
const [host = '', port] = (env.LEGACY_LISTEN ?? '127.0.0.1:8001').split(':');
const legacy = await createLegacy({
  host,
  port: Number(port),
  databaseUrl,
  exchange: {
    url: exchangeUrl,
    apiKey: env.EXCHANGE_API_KEY ?? 'mx0sandbox',
    secretKey: env.EXCHANGE_SECRET_KEY ?? 'sandbox-secret',
  },
  planted: env.LEGACY_PLANTED !== 'false',
  redisUrl: env.REDIS_URL,
  solanaUrl: env.SOLANA_RPC_URL,
});
stopOnSignal('legacy', legacy.close);
console.log(JSON.stringify({ listening: { http: new URL(legacy.url).host } }));
