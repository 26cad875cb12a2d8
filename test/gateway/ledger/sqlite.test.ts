import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { createChainVerifier } from '../../../gateway/ledger/audit-chain.ts';
import { RULES } from '../../../gateway/ledger/ledger.ts';
import { openSqliteLedger } from '../../../gateway/ledger/sqlite.ts';
import { openSqliteStore } from '../../../gateway/ledger/sqlite-store.ts';
import { describeEvidenceStore } from '../../contracts/evidence-store.ts';
import { auditEntry, describeLedger, override, storedRule } from '../../contracts/ledger.ts';
import { describePlanStore } from '../../contracts/plan-store.ts';
import { describeWriteStore } from '../../contracts/write-store.ts';
import { within } from '../../helpers/deadline.ts';

function inFolder<T>(work: (file: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-ledger-'));
  const clean = () => rmSync(folder, { recursive: true, force: true });
  const result = work(join(folder, 'state', 'ledger.db'));
  if (result instanceof Promise) return result.finally(clean) as T;
  clean();
  return result;
}

describeLedger('SQLite', () => {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-ledger-'));
  const file = join(folder, 'ledger.db');
  return {
    open: () => openSqliteLedger(file),
    async reopen(ledger) {
      await ledger.close();
      return openSqliteLedger(file);
    },
    dispose: async () => rmSync(folder, { recursive: true, force: true }),
  };
});

describeEvidenceStore('SQLite', () => {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-ledger-'));
  const file = join(folder, 'ledger.db');
  return {
    async open() {
      const ledger = await openSqliteLedger(file);
      return { ...ledger.evidence, close: ledger.close };
    },
    dispose: async () => rmSync(folder, { recursive: true, force: true }),
  };
});

describePlanStore('SQLite', () => {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-ledger-'));
  const file = join(folder, 'ledger.db');
  return {
    async open() {
      const ledger = await openSqliteLedger(file);
      return { ...ledger.plans, close: ledger.close };
    },
    dispose: async () => rmSync(folder, { recursive: true, force: true }),
  };
});

describeWriteStore('SQLite', () => {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-ledger-'));
  const file = join(folder, 'ledger.db');
  return {
    async open() {
      const ledger = await openSqliteLedger(file);
      return { ...ledger.writes, close: ledger.close };
    },
    dispose: async () => rmSync(folder, { recursive: true, force: true }),
  };
});

describe('the SQLite file', () => {
  it('is made with its folder, for its owner only', () => {
    inFolder((file) => {
      openSqliteStore(file).close();
      assert.equal(statSync(file).mode & 0o777, 0o600);
    });
  });

  it('of another layout is refused, and says so', async () => {
    await inFolder(async (file) => {
      openSqliteStore(file).close();
      const db = new DatabaseSync(file);
      db.exec('PRAGMA user_version = 99');
      db.close();
      await assert.rejects(openSqliteLedger(file), /ledger layout 99, this gateway reads 7/);
    });
  });

  it('of an earlier release is brought to this layout, with all that is in it', async () => {
    await inFolder(async (file) => {
      mkdirSync(dirname(file), { recursive: true });
      const db = new DatabaseSync(file);
      db.exec(`
        CREATE TABLE overrides (scope TEXT PRIMARY KEY, side TEXT NOT NULL, reason TEXT NOT NULL, actor TEXT NOT NULL, at TEXT NOT NULL) STRICT;
        CREATE TABLE revisions (scope TEXT PRIMARY KEY, revision INTEGER NOT NULL) STRICT;
        CREATE TABLE audit (
          id INTEGER PRIMARY KEY AUTOINCREMENT, at TEXT NOT NULL, actor TEXT NOT NULL, source TEXT NOT NULL,
          action TEXT NOT NULL, scope TEXT NOT NULL, reason TEXT NOT NULL, before TEXT, after TEXT, evidence TEXT, request_id TEXT
        ) STRICT;
        CREATE INDEX audit_scope ON audit (scope, id);
        INSERT INTO overrides VALUES ('a.route', 'legacy', 'fire', 'ops', '2026-01-01T00:00:00.000Z');
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
        INSERT INTO audit SELECT i, '2026-01-01', 'ops', 'api', 'stage', 'a.route', 'r' || i, NULL, '{"b":1,"a":2}', NULL, NULL FROM n;
        DELETE FROM audit WHERE id = 7;
        PRAGMA user_version = 1;`);
      db.close();
      const ledger = await openSqliteLedger(file);
      assert.deepEqual(await ledger.overrides(), [override('a.route')]);
      const change = { scope: RULES, override: undefined, rule: storedRule('1'), audit: auditEntry() };
      assert.equal(await ledger.commit(change), 1);
      assert.deepEqual(await ledger.rules(), [storedRule('1')]);
      const verifier = createChainVerifier();
      const entries = await ledger.auditAfter({ after: 0, limit: 2_000 });
      for (const entry of entries) verifier.add({ ...entry });
      assert.deepEqual([verifier.result().entries, verifier.result().broken], [1_201, undefined]);
      const anchor = entries.at(-2);
      assert.deepEqual([anchor?.action, anchor?.id, anchor?.after], ['chain', 1_201, { first: 1, last: 1_200 }]);
      await ledger.close();
    });
  });

  it('that is no database is refused', async () => {
    await assert.rejects(openSqliteLedger(import.meta.filename), /not a database/);
  });

  it('has every change that was acknowledged before a kill -9', async () => {
    await inFolder(async (file) => {
      const ledgerModule = new URL('../../../gateway/ledger/sqlite.ts', import.meta.url).href;
      const contractModule = new URL('../../contracts/ledger.ts', import.meta.url).href;
      const program = `
        import { openSqliteLedger } from '${ledgerModule}';
        import { auditEntry, override } from '${contractModule}';
        const ledger = await openSqliteLedger(process.argv[1]);
        for (let i = 0; ; i++) {
          const scope = 'r' + i;
          await ledger.commit({ scope, override: override(scope), audit: auditEntry({ scope }) });
          console.log(scope);
        }`;
      const child = spawn(process.execPath, ['--input-type=module', '-e', program, file], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let acknowledged = '';
      const enough = new Promise<void>((resolve) => {
        child.stdout.on('data', (chunk) => {
          acknowledged += chunk;
          if (acknowledged.includes('r20\n')) resolve();
        });
      });
      await within(enough, 'twenty acknowledged changes', 20_000);
      child.kill('SIGKILL');
      await once(child, 'close');
      const last = acknowledged.trimEnd().split('\n').length;
      const ledger = await openSqliteLedger(file);
      const stored = await ledger.overrides();
      assert.ok(stored.length >= last, `${stored.length} of ${last} acknowledged changes are stored`);
      assert.equal((await ledger.revisions()).size, stored.length, 'each whole');
      await ledger.close();
    });
  });
});
