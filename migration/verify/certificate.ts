// The certificate of a verification: JOB.json in the folder that the gateway's `data` gate reads. The gateway looks at job,
// result, at, validUntil and, with the key, at the signature: that nobody wrote it by hand. The rest says what was verified.
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { isSealed, sealOf, sealSchema } from '../../config/certificate-seal.ts';
import type { Plan } from '../plan/plan.ts';
import type { Findings } from './verify.ts';

const count = z.number().int().min(0);

const bodySchema = z.object({
  job: z.string(),
  result: z.enum(['verified', 'failed']),
  at: z.iso.datetime(),
  validUntil: z.iso.datetime(),
  plan: z.object({ hash: z.string(), plannedAt: z.iso.datetime(), mappingVersion: z.number() }),
  source: z.object({ system: z.string(), database: z.string() }),
  target: z.object({ table: z.string(), region: z.string() }),
  rows: count,
  chunks: count,
  digest: z.string(),
  missing: count,
  extra: count,
  altered: count,
  unsettled: count,
  unreadable: count,
  deadLetters: count,
  ownItems: count,
  /** What was found and is accepted all the same, and why. */
  waivers: z.array(z.object({ what: z.literal('deadLetters'), count, reason: z.string() })),
});
export type CertificateBody = z.infer<typeof bodySchema>;

const certificateSchema = bodySchema.extend({ signature: sealSchema });
export type Certificate = z.infer<typeof certificateSchema>;

export type Issue = {
  readonly plan: Plan;
  readonly findings: Findings;
  readonly nowMs: number;
  readonly validMs: number;
  /** Why dead letters do not matter; undefined: they do. */
  readonly deadLettersWaived: string | undefined;
};

/** Verified is what has nothing missing, extra, altered, unsettled or unreadable, and no dead letter that nobody waived. */
export function certificateOf({ plan, findings, nowMs, validMs, deadLettersWaived }: Issue): CertificateBody {
  const { rows, chunks, digest, counts, unreadable, deadLetters, ownItems } = findings;
  const waived = deadLetters > 0 && deadLettersWaived !== undefined;
  const wrong = counts.missing + counts.extra + counts.altered + counts.unsettled + unreadable;
  return {
    job: plan.job,
    result: wrong === 0 && (deadLetters === 0 || waived) ? 'verified' : 'failed',
    at: new Date(nowMs).toISOString(),
    validUntil: new Date(nowMs + validMs).toISOString(),
    plan: { hash: plan.hash, plannedAt: plan.plannedAt, mappingVersion: plan.mappingVersion },
    source: { system: plan.source.system, database: plan.source.database },
    target: plan.target,
    ...{ rows, chunks, digest, ...counts, unreadable, deadLetters, ownItems },
    waivers: waived ? [{ what: 'deadLetters', count: deadLetters, reason: deadLettersWaived }] : [],
  };
}

const fileOf = (folder: string, job: string) => join(folder, `${job}.json`);

/** Whole or not at all: the gateway may be reading. */
export function writeCertificate(folder: string, body: CertificateBody, key: string): string {
  const certificate: Certificate = { ...body, signature: sealOf(body, key) };
  const file = fileOf(folder, body.job);
  mkdirSync(folder, { recursive: true });
  writeFileSync(`${file}.new`, `${JSON.stringify(certificate, null, 2)}\n`);
  renameSync(`${file}.new`, file);
  return file;
}

/** The certificate of a job; undefined when there is none. `signed`: with this key, and unchanged since. */
export function readCertificate(
  folder: string,
  job: string,
  key: string | undefined,
): { readonly certificate: Certificate; readonly signed: boolean } | undefined {
  let text: string;
  try {
    text = readFileSync(fileOf(folder, job), 'utf8');
  } catch {
    return undefined;
  }
  const read: unknown = JSON.parse(text);
  const signed = key !== undefined && isSealed(read, key);
  return { certificate: certificateSchema.parse(read), signed };
}
