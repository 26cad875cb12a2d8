// `npm run rehearse [-- --out FOLDER]`: the whole migration of the sandbox in fast motion, unattended, under load.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { dataFolder } from '../sandbox/postgres/postgres.ts';
import { rehearse } from './rehearse.ts';
import { held, reportText } from './report.ts';
import { STORY } from './story.ts';
import { openWorld } from './world.ts';

const NOT_HELD = 6;

const { values } = parseArgs({ options: { out: { type: 'string', default: '.data/rehearsal' } } });
const interrupt = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => interrupt.abort());
const say = (line: string): void => console.error(line);
// A rehearsal begins with nothing, every time.
const folder = mkdtempSync(join(tmpdir(), 'banyan-rehearsal-'));
try {
  process.exitCode = await rehearseIn(folder);
} catch (error) {
  say(`rehearse: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
} finally {
  rmSync(dataFolder(join(folder, 'postgres')), { recursive: true, force: true });
  rmSync(folder, { recursive: true, force: true });
}

/** Answers the exit code. Rejects when it was interrupted, or what it needs has ended. */
async function rehearseIn(folder: string): Promise<number> {
  const world = await openWorld(folder, say, interrupt.signal);
  const interrupted = Promise.withResolvers<never>();
  interrupt.signal.addEventListener('abort', () => interrupted.reject(new Error('interrupted')));
  interrupted.promise.catch(() => {}); // Nobody listens any more once it is over.
  try {
    const rehearsal = await Promise.race([rehearse(STORY, world, say), interrupted.promise, world.failed]);
    const text = reportText(rehearsal);
    mkdirSync(values.out, { recursive: true });
    writeFileSync(join(values.out, 'report.md'), text);
    writeFileSync(join(values.out, 'report.json'), `${JSON.stringify(rehearsal, null, 2)}\n`);
    console.log(text);
    return held(rehearsal) ? 0 : NOT_HELD;
  } finally {
    await world.close();
  }
}
