// Plans in the embedded ledger's file; plan-store.ts says what it promises.
import type { DatabaseSync } from 'node:sqlite';
import { z } from 'zod';
import type { PlanChange, PlanPut, StoredPlan } from './plan-store.ts';

export const PLAN_LAYOUT = `
  CREATE TABLE plans (route TEXT PRIMARY KEY, revision INTEGER NOT NULL, document TEXT NOT NULL) STRICT;
  CREATE TABLE plan_lead (token INTEGER NOT NULL, holder TEXT NOT NULL) STRICT;
  INSERT INTO plan_lead (token, holder) VALUES (0, '');`;

const planRow = z.object({ route: z.string(), revision: z.number(), document: z.string() });
const leadRow = z.object({ token: z.number(), holder: z.string() });

/** The store's operations, as calls that block. */
export interface SqlitePlans {
  listPlans(): StoredPlan[];
  putPlan(change: PlanChange): PlanPut;
  leadPlans(holder: string): number;
}

/** Only one gateway uses the file: whoever asks leads, and whoever led before is fenced off. */
export function createSqlitePlans(db: DatabaseSync, atomically: <T>(work: () => T) => T): SqlitePlans {
  const list = db.prepare('SELECT route, revision, document FROM plans ORDER BY route');
  const find = db.prepare('SELECT route, revision, document FROM plans WHERE route = ?');
  const put = db.prepare('INSERT OR REPLACE INTO plans (route, revision, document) VALUES (?, ?, ?)');
  const lead = db.prepare('SELECT token, holder FROM plan_lead');
  const take = db.prepare('UPDATE plan_lead SET token = ?, holder = ?');
  return {
    listPlans: () => list.all().map((row) => planRow.parse(row)),
    putPlan: ({ route, document, revision, token }) =>
      atomically(() => {
        if (token !== undefined && token < leadRow.parse(lead.get()).token) return 'fenced';
        const row = find.get(route);
        if ((row ? planRow.parse(row).revision : 0) !== revision) return 'stale';
        put.run(route, revision + 1, document);
        return 'stored';
      }),
    leadPlans: (holder) =>
      atomically(() => {
        const now = leadRow.parse(lead.get());
        if (now.holder === holder) return now.token;
        take.run(now.token + 1, holder);
        return now.token + 1;
      }),
  };
}
