// The environment of the data jobs: the source, the target, where their state is, what certificates are signed with.
import { join } from 'node:path';
import { z } from 'zod';
import { storeVariables } from './backend.ts';
import { type Environment, type EnvResult, parseEnv } from './env.ts';

/** Every variable, with its default, and as its description what to do. */
export const migrationVariables = z.object({
  ...storeVariables,
  MIGRATION_SOURCE_URL: z
    .url({ protocol: /^postgres(ql)?$/, error: 'is not a postgres URL' })
    .describe(
      'give the legacy database, e.g. postgres://USER:PASSWORD@HOST:5432/DATABASE, or MIGRATION_SOURCE_URL_FILE',
    ),
  MIGRATION_FOLDER: z.string().default('.data/migration').describe('give the folder of plans and of the ledger'),
  MIGRATION_LEDGER_URL: z
    .url({ protocol: /^postgres(ql)?$/, error: 'is not a postgres URL' })
    .optional()
    .describe(
      'give a Postgres for the ledger of jobs that several processes work on (the source will do), or MIGRATION_LEDGER_URL_FILE; unset it for a file in MIGRATION_FOLDER',
    ),
  MIGRATION_REDIS_URL: z
    .url({ protocol: /^rediss?$/, error: 'is not a redis URL' })
    .optional()
    .describe('give the Redis that brings chunks to the workers, or MIGRATION_REDIS_URL_FILE; only workers need one'),
  MIGRATION_CERTIFICATES: z
    .string()
    .optional()
    .describe(
      "give the folder of certificates and of how far jobs are, the gateway's `certificates`; unset it for one in MIGRATION_FOLDER",
    ),
  MIGRATION_STREAM_SETTLE_MS: z.coerce
    .number()
    .int()
    .min(100)
    .max(60_000)
    .default(3_000)
    .describe(
      'give milliseconds, 100 to 60000: a change of the table is in its stream by then, as a rule within a second; a rollback waits for so long twice',
    ),
  MIGRATION_SIGNING_KEY: z
    .string()
    .min(32, 'is shorter than 32 characters')
    .max(512)
    .optional()
    .describe('give at least 32 random characters (openssl rand -hex 32), or MIGRATION_SIGNING_KEY_FILE naming a file'),
});

export type MigrationConfig = {
  readonly dynamo: { readonly endpoint: string | undefined; readonly table: string; readonly region: string };
  readonly sourceUrl: string;
  readonly folder: string;
  /** A Postgres with the ledger; undefined is a file in the folder. */
  readonly ledgerUrl: string | undefined;
  /** Of the queue of a job's workers. */
  readonly redisUrl: string | undefined;
  readonly certificates: string;
  /** A change that was made before is in the table's stream by then. */
  readonly streamSettleMs: number;
  /** Certificates are signed with it; without one nothing can be verified. */
  readonly signingKey: string | undefined;
};

/** The configuration, or everything that is wrong with the environment. */
export function readMigrationConfig(env: Environment = process.env): EnvResult<MigrationConfig> {
  const result = parseEnv(migrationVariables, env, [
    'MIGRATION_SOURCE_URL',
    'MIGRATION_LEDGER_URL',
    'MIGRATION_REDIS_URL',
    'MIGRATION_SIGNING_KEY',
  ]);
  if (!result.ok) return result;
  const { DYNAMODB_ENDPOINT: endpoint, DYNAMODB_TABLE: table, AWS_REGION: region, ...read } = result.value;
  return {
    ok: true,
    value: {
      dynamo: { endpoint, table, region },
      sourceUrl: read.MIGRATION_SOURCE_URL,
      redisUrl: read.MIGRATION_REDIS_URL,
      ledgerUrl: read.MIGRATION_LEDGER_URL,
      folder: read.MIGRATION_FOLDER,
      certificates: read.MIGRATION_CERTIFICATES ?? join(read.MIGRATION_FOLDER, 'certificates'),
      streamSettleMs: read.MIGRATION_STREAM_SETTLE_MS,
      signingKey: read.MIGRATION_SIGNING_KEY,
    },
  };
}
