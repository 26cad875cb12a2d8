// What load tests take from their environment: which k6, where one is kept that was built here, and what k6 is given.
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import process from 'node:process';
import { readSecret, type Secret } from './secret.ts';

/** Folders in which commands are looked for, in order. */
export const commandFolders = (): readonly string[] => (process.env.PATH ?? '').split(delimiter).filter(Boolean);

/** The k6 that somebody named, if so. */
export const namedK6 = (): string | undefined => process.env.K6_BIN || undefined;

/** Where a k6 that is built here is kept for the next time, and for other checkouts. */
export const loadtestCache = (): string => join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'banyan');

/** This environment with `added`, for a child: secrets go this way, since anybody may read a command line. */
export const environmentWith = (added: Readonly<Record<string, string>>): NodeJS.ProcessEnv => ({
  ...process.env,
  ...added,
});

/** What certificates are signed with: the key of the data jobs. */
export const certificateKey = (): Secret => readSecret('MIGRATION_SIGNING_KEY');
