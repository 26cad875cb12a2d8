// Changes that waited while a Redis was away; shared-ledger.ts says what is promised of them.
import { z } from 'zod';
import type { JournalEntry } from './journal.ts';

/**
 * Follows the text that defines `storeChange()` and what the change consists of. Its key, which entry of each journal was
 * merged last, and its arguments are the last ones. An override that is there as it is was stored, and only its answer was
 * lost.
 */
export const MERGE = `
  local seen = KEYS[#KEYS]
  local source, sequence, expected = unpack(ARGV, #ARGV - 2)
  if tonumber(redis.call('HGET', seen, source) or '0') >= tonumber(sequence) then return 'merged' end
  if expected ~= '' and (redis.call('HGET', revisions, scope) or '0') ~= expected then return 'stale' end
  if override == '' or override == 'lift' or redis.call('HGET', overrides, scope) ~= override then
    local stored = storeChange()
    if type(stored) ~= 'number' or stored < 0 then return stored end
  end
  redis.call('HSET', seen, source, sequence)
  return 'merged'`;

export function mergeArguments(
  source: string,
  { sequence, expected }: Pick<JournalEntry, 'sequence' | 'expected'>,
): string[] {
  return [source, `${sequence}`, `${expected ?? ''}`];
}

export const mergeAnswer = z.enum(['merged', 'stale']);
