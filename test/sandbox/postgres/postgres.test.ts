import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { after, test } from 'node:test';
import { Client } from 'pg';
import { dataFolder, type Postgres, startPostgres } from './postgres.ts';

const dataDir = join(mkdtempSync(join(tmpdir(), 'banyan-test-')), 'postgres');
after(() => {
  rmSync(dataFolder(dataDir), { recursive: true, force: true });
  rmSync(join(dataDir, '..'), { recursive: true, force: true });
});

async function query(postgres: Postgres, text: string): Promise<readonly Record<string, unknown>[]> {
  const client = new Client({ connectionString: postgres.url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

test('a new folder, then Postgres answers there, in UTC, ready for logical decoding', async () => {
  const postgres = await startPostgres({ dataDir });
  try {
    assert.deepEqual(await query(postgres, 'show wal_level'), [{ wal_level: 'logical' }]);
    assert.deepEqual(await query(postgres, 'show timezone'), [{ TimeZone: 'UTC' }]);
    await query(postgres, "create table kept as select 'before the kill' as what");
    await assert.rejects(startPostgres({ dataDir }), /another Postgres \(process \d+\) is running/);
  } finally {
    await postgres.close();
  }
});

test('killed outright, then it starts again with everything that was committed', async () => {
  const killed = await startPostgres({ dataDir });
  await query(killed, "insert into kept values ('at the last moment')");
  process.kill(killed.pid, 'SIGKILL');
  await killed.exited;
  const postgres = await startPostgres({ dataDir });
  try {
    const rows = await query(postgres, 'select what from kept order by what');
    assert.deepEqual(rows, [{ what: 'at the last moment' }, { what: 'before the kill' }]);
  } finally {
    await postgres.close();
  }
});

test('killed, and its process id now belongs to another program, then it starts all the same', async () => {
  const killed = await startPostgres({ dataDir });
  process.kill(killed.pid, 'SIGKILL');
  await killed.exited;
  const lock = join(dataFolder(dataDir), 'postmaster.pid');
  writeFileSync(lock, readFileSync(lock, 'utf8').replace(/^\d+/, String(process.pid)));
  const postgres = await startPostgres({ dataDir });
  try {
    assert.equal((await query(postgres, 'select what from kept')).length, 2);
  } finally {
    await postgres.close();
  }
});
