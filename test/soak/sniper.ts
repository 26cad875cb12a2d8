// `npm run soak:sniper [-- --rounds N --seed N]`: the sniper's proof at the size of a release.
import process from 'node:process';
import { parseArgs } from 'node:util';
import { soakSniper } from './sniper-soak.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '50' },
    seed: { type: 'string', default: String(Date.now() % 2 ** 31) },
  },
});
const [rounds = 0, seed = 0] = [values.rounds, values.seed].map(Number);
if (![rounds, seed].every((each) => Number.isSafeInteger(each) && each > 0)) {
  console.error('--rounds and --seed take whole numbers above 0');
  process.exit(2);
}
console.error(`${rounds} rounds, seed ${seed}`);
try {
  const { landedMs, takenOver } = await soakSniper({ rounds, seed, say: (line) => console.error(line) });
  const sorted = landedMs.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))];
  console.log(JSON.stringify({ rounds, takenOver, landedMs: { p50: at(0.5), p90: at(0.9), max: sorted.at(-1) } }));
} catch (error) {
  console.error(`broken with --seed ${seed}:`, error);
  process.exit(1);
}
