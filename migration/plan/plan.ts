// The plan of a job: what was found before anything was written, cut into chunks, with fingerprints that `run` checks.
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { fingerprint } from '../postgres/schema.ts';

const count = z.number().int().min(0);

const findings = z.object({
  rows: count,
  /** Rows that have no item, and why, the first few. They become dead letters. */
  unmappable: z.object({ count, examples: z.array(z.object({ key: z.array(z.string()), reason: z.string() })) }),
  /** Rows whose item does not lead back to them, so that two might share one. */
  collisions: count,
  itemBytes: z.object({ total: count, largest: count }),
  /** Rows last written so long ago that items kept from then would have expired; they are kept from the plan's time. */
  pastExpiry: count,
  /** Write units for the table and its indexes together. */
  writeUnits: count,
  indexes: z.array(
    z.object({
      name: z.string(),
      keys: count,
      /** The share of the items that the most frequent key has; one key takes 1,000 write units a second. */
      largestShare: z.number(),
      writesPerSecondMax: z.number(),
    }),
  ),
  log: z.object({
    bytesPerSecond: z.number(),
    /** What the source keeps for a slot at most; null is no limit: then its disk is. */
    keptBytesMax: z.number().nullable(),
  }),
  /** At what a new on-demand table takes, or what the most frequent index key allows, whichever is less. */
  seconds: z.number(),
  warnings: z.array(z.string()),
});
export type Findings = z.infer<typeof findings>;

const planBody = z.object({
  format: z.literal(1),
  job: z.string(),
  mappingVersion: z.number(),
  plannedAt: z.iso.datetime(),
  chunkRows: count,
  source: z.object({ system: z.string(), database: z.string(), schema: fingerprint }),
  target: z.object({ table: z.string(), region: z.string() }),
  findings,
  /** Upper ends of the chunks in the order of their keys; the last is open. */
  upTos: z.array(z.array(z.string()).nullable()),
});
export type PlanBody = z.infer<typeof planBody>;
export type Plan = PlanBody & { readonly hash: string };

const PLAN_BYTES_MAX = 256 * 1024 * 1024;

export const hashOf = (body: PlanBody): string =>
  createHash('sha256')
    .update(JSON.stringify(planBody.parse(body)))
    .digest('hex');

/** Whole or not at all. */
export function writePlan(file: string, body: PlanBody): Plan {
  const plan = { ...body, hash: hashOf(body) };
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  writeFileSync(`${file}.new`, `${JSON.stringify(plan)}\n`, { mode: 0o600 });
  renameSync(`${file}.new`, file);
  return plan;
}

/** @throws with what to do when there is no plan, or it was changed by hand or made by another version */
export function readPlan(file: string): Plan {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`there is no plan ${file}; make one with: banyan-migrate plan`, { cause: error });
  }
  if (text.length > PLAN_BYTES_MAX) throw new Error(`${file} is above ${PLAN_BYTES_MAX} bytes`);
  const { hash, ...body } = z.object({ ...planBody.shape, hash: z.string() }).parse(JSON.parse(text));
  if (hashOf(body) !== hash) throw new Error(`${file} was changed since it was made; make it anew`);
  return { ...body, hash };
}
