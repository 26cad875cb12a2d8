// Moves of flags in a Redis that several gateways share; flag-move.ts says what it promises.
import { z } from 'zod';
import { type FlagMove, type LastMove, MOVES_REMEMBERED, type MoveRecord } from './flag-move.ts';

/** The keys that the check reads and writes, after those of the change itself. */
export interface MoveKeys {
  /** The number of the last move; and by route its latest moves, the last one first: each as `NUMBER FLAGS;`. */
  readonly lastMove: string;
  readonly moves: string;
  /** The plan's revision for which a route was moved last. */
  readonly moved: string;
  /** Of plans: their revisions by route, and the last token given. */
  readonly planRevisions: string;
  readonly tokens: string;
}

/**
 * Follows the text that defines `storeChange()` and the change's `scope`, so that both are one script: it answers `fenced` or a
 * known move's number instead of storing the change. Its keys and arguments are the last ones.
 */
export const RECORD_MOVE = `
  local last, moves, moved, planRevisions, tokens = unpack(KEYS, #KEYS - 4)
  local flags, kind, token, revision, since = unpack(ARGV, #ARGV - 4)
  local latest = redis.call('HGET', moves, scope) or ''
  if kind == 'source' then
    local known
    for number, seen in string.gmatch(latest, '(%d+) ([^;]*);') do
      if seen == flags and tonumber(number) > tonumber(since) then known = number end
    end
    if known then return {'known', known, 0} end
  elseif kind == 'plan' then
    if tonumber(token) < tonumber(redis.call('GET', tokens) or '0') then return {'fenced', 0, 0} end
    if redis.call('HGET', planRevisions, scope) ~= revision then return {'fenced', 0, 0} end
    if redis.call('HGET', moved, scope) == revision then
      return {'known', string.match(latest, '^%d+'), 0}
    end
  end
  local stored = storeChange()
  if type(stored) ~= 'number' or stored < 0 then return stored end
  if kind == 'plan' then redis.call('HSET', moved, scope, revision) else redis.call('HDEL', moved, scope) end
  local number = redis.call('INCR', last)
  local kept, all = 1, number .. ' ' .. flags .. ';'
  for each in string.gmatch(latest, '[^;]*;') do
    if kept < ${MOVES_REMEMBERED} then all = all .. each end
    kept = kept + 1
  end
  redis.call('HSET', moves, scope, all)
  return {'recorded', number, stored}`;

export function moveKeys({ lastMove, moves, moved, planRevisions, tokens }: MoveKeys): string[] {
  return [lastMove, moves, moved, planRevisions, tokens];
}

export function moveArguments({ flags, by }: FlagMove): string[] {
  const [token, revision] = by.kind === 'plan' ? [by.token, by.revision] : ['', ''];
  return [flags, by.kind, `${token}`, `${revision}`, `${by.kind === 'source' ? by.since : 0}`];
}

const answer = z.tuple([z.enum(['recorded', 'known', 'fenced']), z.coerce.number(), z.number()]);

export function moveRecord(answered: unknown): MoveRecord {
  const [kind, move, revision] = answer.parse(answered);
  if (kind === 'fenced') return { kind };
  return kind === 'known' ? { kind, move } : { kind, move, revision };
}

/** The last of a route's moves, of all as they are kept. */
export function lastMoveOf(all: string): LastMove {
  const [first = ''] = all.split(';', 1);
  const space = first.indexOf(' ');
  return { move: Number(first.slice(0, space)), flags: first.slice(space + 1) };
}
