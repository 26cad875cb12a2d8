// The proof in small; `npm run soak:migration` is the large one.
import { test } from 'node:test';
import { openMigrationServers, openMigrationWorld } from '../helpers/migration.ts';
import { soakRound } from './soak-round.ts';

test('killed outright again and again under a writer, then the target is the mapped source all the same', async (t) => {
  const servers = await openMigrationServers();
  const world = await openMigrationWorld(servers);
  try {
    await soakRound(world, {
      ...{ rows: 1_200, kills: 3, chunkRows: 30, seed: 7 },
      say: (line) => t.diagnostic(line),
    });
  } finally {
    await world.close();
    await servers.close();
  }
});
