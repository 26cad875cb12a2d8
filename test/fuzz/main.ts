// `npm run fuzz -- [SECONDS] [SEED] [TARGET]`: a minute of all targets, from a new seed, unless told otherwise. What breaks one is
// kept in .data/fuzz and ends it with 1; put it below test/fuzz/corpus/TARGET, write a test by its symptom, and mend it.
import { createHash } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fuzz } from './fuzz.ts';
import { openTargets } from './targets.ts';

const FOUND = join('.data', 'fuzz');

const [seconds = '60', seed = String(Date.now() >>> 0), only] = process.argv.slice(2);
const targets = (await openTargets()).filter(({ name }) => only === undefined || name === only);
console.error(`seed ${seed}: ${targets.map(({ name }) => name).join(', ')}`);
const endsAt = performance.now() + Number(seconds) * 1_000;
const { runs, findings } = await fuzz(targets, { seed: Number(seed), goesOn: () => performance.now() < endsAt });
for (const target of targets) await target.close?.();
for (const [name, count] of runs) console.log(`${name.padEnd(20)} ${count} inputs`);
for (const { target, input, error } of findings) {
  const folder = join(FOUND, target);
  mkdirSync(folder, { recursive: true });
  const file = join(folder, createHash('sha256').update(input).digest('hex').slice(0, 16));
  writeFileSync(file, input);
  console.error(
    `${target}: ${error.stack ?? error.message}\n  kept in ${file}; again with: npm run fuzz -- ${seconds} ${seed} ${target}`,
  );
}
process.exit(findings.length === 0 && runs.size > 0 ? 0 : 1);
