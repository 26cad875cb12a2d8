import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { Client } from 'pg';
import { openPostgresLedger } from '../../../migration/ledger/postgres.ts';
import { migrationLedgerContract } from '../../contracts/migration-ledger.ts';
import { dataFolder, type Postgres, startPostgres } from '../../sandbox/postgres/postgres.ts';

const folder = mkdtempSync(join(tmpdir(), 'banyan-ledger-'));
const dataDir = join(folder, 'postgres');
let postgres: Postgres;
let databases = 0;
before(async () => {
  postgres = await startPostgres({ dataDir });
});
after(async () => {
  await postgres.close();
  rmSync(dataFolder(dataDir), { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
});

migrationLedgerContract('Postgres', async () => {
  const name = `ledger${databases++}`;
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  await client.query(`create database ${name}`);
  await client.end();
  const url = postgres.url.replace(/[^/]*$/, name);
  return { ledger: await openPostgresLedger(url), again: () => openPostgresLedger(url) };
});
