// What the commands work with, opened once and closed together.
import { join } from 'node:path';
import type { Pool } from 'pg';
import type { MigrationConfig } from '../../config/migration.ts';
import type { Job } from '../jobs/job.ts';
import { JOBS } from '../jobs/jobs.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { openPostgresLedger } from '../ledger/postgres.ts';
import { openSqliteLedger } from '../ledger/sqlite.ts';
import { identifySource } from '../plan/make-plan.ts';
import { type Plan, readPlan } from '../plan/plan.ts';
import { connectPool } from '../postgres/connect.ts';
import { readFingerprint } from '../postgres/schema.ts';
import { createPostgresSource } from '../postgres/source.ts';
import type { Engine } from '../run/engine.ts';
import { createDynamoTarget, type DynamoTarget } from '../target/dynamo.ts';
import { CommandError, EXIT } from './answer.ts';

const CONNECTIONS_MAX = 8;

export type Context = {
  readonly config: MigrationConfig;
  readonly pool: Pool;
  readonly target: DynamoTarget;
  readonly ledger: Ledger;
};

/** Opens what commands need, and closes it whatever comes of `work`. */
export async function withContext<T>(config: MigrationConfig, work: (context: Context) => Promise<T>): Promise<T> {
  const { ledgerUrl, folder } = config;
  const ledger = await (ledgerUrl === undefined
    ? openSqliteLedger(join(folder, 'ledger.sqlite'))
    : openPostgresLedger(ledgerUrl));
  const pool = connectPool(config.sourceUrl, CONNECTIONS_MAX);
  const target = createDynamoTarget(config.dynamo);
  try {
    return await work({ config, pool, target, ledger });
  } finally {
    await target.close();
    await pool.end();
    await ledger.close();
  }
}

export function jobNamed(name: string): Job {
  const job = JOBS.get(name);
  if (!job) throw new CommandError(EXIT.usage, `there is no job ${name}; the jobs are ${[...JOBS.keys()].join(', ')}`);
  return job;
}

export const planFile = ({ folder }: MigrationConfig, job: Job): string => join(folder, `${job.name}.plan.json`);

/** The job's plan, once it is known to be of this source, this table and this program. */
export async function checkedPlan({ config, pool }: Context, job: Job): Promise<Plan> {
  const plan = readPlan(planFile(config, job));
  const refuse = (what: string): never => {
    throw new CommandError(
      EXIT.conflict,
      `the plan of ${job.name} is ${what}; make it anew: banyan-migrate plan ${job.name}`,
    );
  };
  if (plan.job !== job.name) refuse(`one of ${plan.job}`);
  if (plan.mappingVersion !== job.mappingVersion)
    refuse(`for mapping ${plan.mappingVersion}, this is ${job.mappingVersion}`);
  const { system, database } = await identifySource(config.sourceUrl);
  if (plan.source.system !== system || plan.source.database !== database) refuse('of another source');
  if (JSON.stringify(await readFingerprint(pool, job)) !== JSON.stringify(plan.source.schema))
    refuse('of other columns than the table now has');
  if (plan.target.table !== config.dynamo.table || plan.target.region !== config.dynamo.region)
    refuse(`for table ${plan.target.table} in ${plan.target.region}`);
  return plan;
}

/** The engine of a planned job. */
export function engineOf({ config, pool, target, ledger }: Context, job: Job, plan: Plan): Engine {
  const source = createPostgresSource({ url: config.sourceUrl, pool, job, schema: plan.source.schema });
  const plannedAtMs = Date.parse(plan.plannedAt);
  // A chunk may grow between plan and run; far beyond its plan it is cut, so that memory stays bounded.
  return { job, source, target, ledger, plannedAtMs, chunkRowsMax: plan.chunkRows * 2, now: Date.now };
}
