import type { GatewayLedger } from './ledger.ts';
import { openRedisLedger } from './redis.ts';
import { openSqliteLedger } from './sqlite.ts';

const SQLITE = 'sqlite:';

/** Opens the ledger that the configuration names: `sqlite:FILE`, or the URL of a Redis. @throws when it cannot be used. */
export function openLedger(where: string): Promise<GatewayLedger> {
  return where.startsWith(SQLITE) ? openSqliteLedger(where.slice(SQLITE.length)) : openRedisLedger(where);
}
