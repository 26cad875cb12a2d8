import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { openSqliteLedger } from '../../../migration/ledger/sqlite.ts';
import { migrationLedgerContract } from '../../contracts/migration-ledger.ts';

const folder = mkdtempSync(join(tmpdir(), 'banyan-ledger-'));
after(() => rmSync(folder, { recursive: true, force: true }));
let files = 0;

migrationLedgerContract('SQLite', async () => {
  const file = join(folder, `${files++}.sqlite`);
  return { ledger: await openSqliteLedger(file), again: () => openSqliteLedger(file) };
});
