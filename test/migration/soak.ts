// npm run soak:migration -- [--rounds 20] [--rows 1000000] [--kills 10] [--seed 1]: the proof of a data job in full. Each round is a
// new Postgres and a new table. Exits 1 at the first round that is not perfect, and prints its seed.
import { parseArgs } from 'node:util';
import { openMigrationServers, openMigrationWorld } from '../helpers/migration.ts';
import { soakRound } from './soak-round.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '20' },
    rows: { type: 'string', default: '1000000' },
    kills: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
  },
});
const [rounds, rows, kills, seed] = [values.rounds, values.rows, values.kills, values.seed].map(Number);
if (!rounds || !rows || kills === undefined || seed === undefined) throw new Error('give whole numbers');

for (let round = 0; round < rounds; round++) {
  const say = (line: string) => console.log(`round ${round + 1} (seed ${seed + round}): ${line}`);
  const servers = await openMigrationServers();
  const world = await openMigrationWorld(servers);
  const startedMs = Date.now();
  try {
    await soakRound(world, {
      rows,
      kills,
      chunkRows: Math.max(20, Math.round(rows / 200)),
      seed: seed + round,
      say,
    });
    say(`${Math.round((Date.now() - startedMs) / 1000)} s`);
  } finally {
    await world.close();
    await servers.close();
  }
}
