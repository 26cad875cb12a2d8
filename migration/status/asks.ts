// What operators ask of a job by way of a gateway: a file beside its certificate, which the job takes away.
import { readFile, rename, rm } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { type JobAsk, jobAsk, jobAskFile } from '../../config/job-files.ts';

const LOOK_INTERVAL_MS = 1_000;

/**
 * Applies what is asked of the job, if anything is. The file is moved away before it is read, so that a newer one is never lost,
 * and removed when it was applied, so that a crash in between applies it again. Of two the newer one counts.
 * @throws when it cannot be read or applied
 */
export async function takeAsk(folder: string, job: string, apply: (ask: JobAsk) => Promise<void>): Promise<void> {
  const taken = `${jobAskFile(folder, job)}.taken`;
  await orAbsent(rename(jobAskFile(folder, job), taken));
  const text = await orAbsent(readFile(taken, 'utf8'));
  if (text === undefined) return;
  const ask = jobAsk.safeParse(parseJson(text));
  if (ask.success) await apply(ask.data);
  await rm(taken, { force: true });
  if (!ask.success) throw new Error(`${jobAskFile(folder, job)} asked for nothing that is known, and was removed`);
}

/** Takes asks every second until it is closed. `onProblem` hears what could not be applied. */
export function followAsks(
  take: () => Promise<void>,
  onProblem: (error: unknown) => void,
): { readonly close: () => Promise<void> } {
  const ending = new AbortController();
  const following = (async () => {
    while (!ending.signal.aborted) {
      await delay(LOOK_INTERVAL_MS, undefined, { signal: ending.signal }).catch(() => {});
      if (!ending.signal.aborted) await take().catch(onProblem);
    }
  })();
  return {
    async close() {
      ending.abort();
      await following;
    },
  };
}

async function orAbsent<T>(work: Promise<T>): Promise<T | undefined> {
  try {
    return await work;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
