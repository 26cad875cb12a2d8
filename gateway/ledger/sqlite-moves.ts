// Moves of flags in the embedded ledger's file; flag-move.ts says what it promises.
import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import { type FlagMove, type LastMove, MOVES_REMEMBERED, type MovedBy, type MoveRecord } from './flag-move.ts';
import type { LedgerChange } from './ledger.ts';

export const MOVE_LAYOUT = `
  CREATE TABLE flag_moves (
    move INTEGER PRIMARY KEY AUTOINCREMENT, route TEXT NOT NULL, flags TEXT NOT NULL, plan_revision INTEGER
  ) STRICT;
  CREATE INDEX flag_moves_route ON flag_moves (route, move);`;

const moveRow = z.object({ move: z.number(), flags: z.string(), plan_revision: z.number().nullable() });
const lastRow = z.object({ route: z.string(), move: z.number(), flags: z.string() });
const planRow = z.object({ revision: z.number(), token: z.number() });

/** The store's operations, as calls that block. */
export interface SqliteMoves {
  recordMove(asked: { readonly change: LedgerChange; readonly move: FlagMove }): MoveRecord;
  lastMoves(): Map<string, LastMove>;
}

/** `store` stores a change within the transaction under way, and answers its scope's revision. */
export function createSqliteMoves(
  db: DatabaseSync,
  atomically: <T>(work: () => T) => T,
  store: (change: LedgerChange) => number,
): SqliteMoves {
  const latest = db.prepare('SELECT move, flags, plan_revision FROM flag_moves WHERE route = ? ORDER BY move DESC');
  const put = db.prepare('INSERT INTO flag_moves (route, flags, plan_revision) VALUES (?, ?, ?)');
  const trim = db.prepare(
    'DELETE FROM flag_moves WHERE move <= (SELECT move FROM flag_moves WHERE route = ?1 ORDER BY move DESC LIMIT 1 OFFSET ?2) AND route = ?1',
  );
  const plan = db.prepare('SELECT revision, (SELECT token FROM plan_lead) AS token FROM plans WHERE route = ?');
  const last = db.prepare('SELECT route, flags, max(move) AS move FROM flag_moves GROUP BY route');

  function refusal(route: string, flags: string, by: MovedBy): MoveRecord | undefined {
    if (by.kind === 'operator') return undefined;
    const moves = latest.all(route).map((row) => moveRow.parse(row));
    if (by.kind === 'source') {
      const known = moves.findLast((move) => move.flags === flags && move.move > by.since);
      return known && { kind: 'known', move: known.move };
    }
    const stored = planRow.safeParse(plan.get(route)).data;
    if (stored?.revision !== by.revision || by.token < stored.token) return { kind: 'fenced' };
    const [newest] = moves;
    return newest?.plan_revision === by.revision ? { kind: 'known', move: newest.move } : undefined;
  }

  return {
    lastMoves() {
      const rows = last.all().map((row) => lastRow.parse(row));
      return new Map(rows.map(({ route, ...move }) => [route, move]));
    },
    recordMove: ({ change, move: { flags, by } }) =>
      atomically(() => {
        const refused = refusal(change.scope, flags, by);
        if (refused) return refused;
        const { lastInsertRowid } = put.run(change.scope, flags, by.kind === 'plan' ? by.revision : null);
        trim.run(change.scope, MOVES_REMEMBERED);
        return { kind: 'recorded', revision: store(change), move: Number(lastInsertRowid) };
      }),
  };
}
