// Certificates of data jobs: that what a route needs has been moved and verified.
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { isSealed } from '../../config/certificate-seal.ts';
import type { Certificate } from './facts.ts';

/** What proves that data jobs are done. */
export interface Certificates {
  /** One of each job, in their order. Never rejects: what cannot be read is not valid, and says why. */
  of(jobs: readonly string[], now: Date): Promise<readonly Certificate[]>;
}

const CERTIFICATE_BYTES_MAX = 1_048_576;

const certificateFile = z.looseObject({
  job: z.string(),
  result: z.enum(['verified', 'failed']),
  /** When it was made. */
  at: z.iso.datetime(),
  /** Until when it counts; without it, for good. */
  validUntil: z.iso.datetime().optional(),
  /** How many were compared. */
  rows: z.number().int().min(0).optional(),
});

/**
 * Certificates as JSON files in a folder, `JOB.json`; none is valid without a folder. With `key` only those that were signed
 * with it and are unchanged since.
 */
export function certificatesIn(folder: string | undefined, key: string | undefined): Certificates {
  return {
    of: (jobs, now) => Promise.all(jobs.map(async (job) => ({ job, ...(await read(folder, job, key, now)) }))),
  };
}

async function read(
  folder: string | undefined,
  job: string,
  key: string | undefined,
  now: Date,
): Promise<Omit<Certificate, 'job'>> {
  const problem = (text: string) => ({ problem: text });
  if (folder === undefined) return problem('there is no certificate: no folder is configured (certificates)');
  // By its name alone: operators read the sentence, and the folder is the server's matter.
  const file = `${job}.json`;
  const text = await readText(folder, file);
  if ('problem' in text) return text;
  const json = parseJson(text.text);
  const parsed = certificateFile.safeParse(json);
  if (!parsed.success) return problem(`${file} is no certificate: it needs job, result and at`);
  if (key !== undefined && !isSealed(json, key))
    return problem(`${file} was not signed with the key of certificatesKeyEnv, or was changed since`);
  const { job: named, result, at, validUntil, rows } = parsed.data;
  if (named !== job) return problem(`${file} is the certificate of ${named}`);
  if (result === 'failed') return problem(`its verification of ${at} failed`);
  if (Date.parse(at) > now.getTime()) return problem(`its certificate is from the future (${at})`);
  if (validUntil !== undefined && Date.parse(validUntil) <= now.getTime())
    return problem(`its certificate ended at ${validUntil}`);
  return { problem: undefined, at, validUntil, rows };
}

async function readText(
  folder: string,
  file: string,
): Promise<{ readonly text: string } | { readonly problem: string }> {
  try {
    const handle = await open(join(folder, file));
    try {
      const { size } = await handle.stat();
      if (size > CERTIFICATE_BYTES_MAX) return { problem: `${file} is above ${CERTIFICATE_BYTES_MAX} bytes` };
      return { text: await handle.readFile('utf8') };
    } finally {
      await handle.close();
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return {
      problem:
        code === 'ENOENT'
          ? `there is no certificate in the folder that certificates names: ${file}`
          : `its certificate ${file} cannot be read: ${code}`,
    };
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
