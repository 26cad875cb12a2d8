import type { GatewayLedger } from './ledger.ts';
import { openSqliteLedger } from './sqlite.ts';

const SQLITE = 'sqlite:';

/**
 * Opens the ledger that the configuration names: `sqlite:FILE`, or the URL of a Redis, whose outages `journal` is for.
 * @throws when it cannot be used.
 */
export async function openLedger(where: string, journal: string): Promise<GatewayLedger> {
  if (where.startsWith(SQLITE)) return openSqliteLedger(where.slice(SQLITE.length));
  // Loaded only where it is used: its client takes 10 MB.
  const { isAnswer, openRedisLedger } = await import('./redis.ts');
  const { openSharedLedger } = await import('./shared-ledger.ts');
  return openSharedLedger({ openRemote: () => openRedisLedger(where), isAnswer, file: journal });
}
