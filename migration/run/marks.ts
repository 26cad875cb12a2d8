// The marks on items that a job wrote: whose they are and how new, which is what makes every write safe to repeat and to come late.

import type { ItemKey } from '../../backend/store/item-table.ts';
import type { Item } from '../../backend/store/items.ts';
import { PK, SK, TTL } from '../../backend/store/keys.ts';
import { formatLsn, type Lsn } from '../postgres/lsn.ts';

export const ORIGIN = 'origin';
export const VERSION = 'src_ver';
export const TOMBSTONE = 'tombstone';
/** The value of `origin`. The service's own writes carry none, and a job never writes over them. */
export const MIGRATED = 'migration';

/** Digits of the log position, and of the effect's number in its transaction. With the plan's time, 38: as DynamoDB keeps. */
const LSN_SCALE = 10n ** 8n;
const EPOCH_SCALE = 10n ** 28n;
/** Effects of one transaction; each takes two numbers, the odd one for a repair. */
const SEQ_MAX = 49_999_999;

/** Of a chunk's rows: below every change's. `epoch` is the plan's time in seconds, so that a later plan's items win. */
export const baseVersion = (epoch: number): string => String(BigInt(epoch) * EPOCH_SCALE);

/** Of a change. @throws when the transaction has too many */
export function versionOf(epoch: number, commitLsn: Lsn, seq: number): string {
  if (seq > SEQ_MAX) throw new Error(`the transaction at ${formatLsn(commitLsn)} changes more than ${SEQ_MAX} items`);
  return String(BigInt(epoch) * EPOCH_SCALE + commitLsn * LSN_SCALE + BigInt(seq) * 2n);
}

/** The plan's time in seconds. */
export const epochIn = (version: string): number => Number(BigInt(version) / EPOCH_SCALE);

/** Above the version of the write that failed, below that of any later change. */
export const repairVersion = (version: string): string => String(BigInt(version) + 1n);

/** A version in words. */
export function describeVersion(version: string): string {
  const value = BigInt(version);
  const plan = `plan of ${new Date(Number(value / EPOCH_SCALE) * 1000).toISOString()}`;
  const lsn = (value % EPOCH_SCALE) / LSN_SCALE;
  const repaired = value % 2n === 1n ? ', repaired' : '';
  if (lsn === 0n) return `the copied row (${plan}${repaired})`;
  return `the change at ${formatLsn(lsn)}, number ${(value % LSN_SCALE) / 2n} of its transaction (${plan}${repaired})`;
}

export const marked = (item: Item, version: string): Item => ({
  ...item,
  [ORIGIN]: { S: MIGRATED },
  [VERSION]: { N: version },
});

/**
 * What stands for a row that is gone, so that a late write of an older version finds a newer one. It expired in 1970: readers
 * pass over it, the service may write over it, and DynamoDB, which deletes nothing that expired over five years ago, keeps it.
 */
export function tombstone(key: ItemKey, version: string): Item {
  return marked({ [PK]: { S: key.pk }, [SK]: { S: key.sk }, [TTL]: { N: '1' }, [TOMBSTONE]: { NULL: true } }, version);
}

export const isMigrated = (item: Item): boolean => {
  const origin = item[ORIGIN];
  return origin !== undefined && 'S' in origin && origin.S === MIGRATED;
};
export const isTombstone = (item: Item): boolean => TOMBSTONE in item;

/** The version that the item carries; undefined on the service's own. */
export function versionIn(item: Item): string | undefined {
  const version = item[VERSION];
  return version !== undefined && 'N' in version ? version.N : undefined;
}

/** The item without its marks: what the job's mapping made. */
export function unmarked(item: Item): Item {
  const { [ORIGIN]: _origin, [VERSION]: _version, ...rest } = item;
  return rest;
}
