// The folder that data jobs and gateways share: how far each job is, what is asked of it, and asking.
import { open, readdir, rename, rm } from 'node:fs/promises';
import { basename } from 'node:path';
import type { z } from 'zod';
import {
  JOB_FILE_BYTES_MAX,
  type JobAsk,
  type JobStatus,
  jobAsk,
  jobAskFile,
  jobOfStatusFile,
  jobStatus,
  jobStatusFile,
} from '../../config/job-files.ts';

/** Jobs that are looked at; of more the first by name. */
export const JOBS_MAX = 100;

/** What a job's files say. */
export interface ToldJob {
  readonly job: string;
  /** Undefined while the job has told nothing, or nothing that can be read. */
  readonly status: JobStatus | undefined;
  /** What it was asked and has not taken yet. */
  readonly asked: JobAsk | undefined;
  /** Why a file cannot be read, or undefined. */
  readonly problem: string | undefined;
}

/** Jobs that have told how far they are, and `others`, by name. @throws when the folder cannot be read; one that is not there is empty. */
export async function readJobs(folder: string, others: readonly string[]): Promise<ToldJob[]> {
  const told = (await filesIn(folder)).flatMap((file) => jobOfStatusFile(file) ?? []);
  const jobs = [...new Set([...told, ...others])].sort().slice(0, JOBS_MAX);
  return Promise.all(jobs.map((job) => readJob(folder, job)));
}

async function filesIn(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (isAbsent(error)) return [];
    throw error;
  }
}

async function readJob(folder: string, job: string): Promise<ToldJob> {
  const [status, asked] = await Promise.all([
    readAs(jobStatusFile(folder, job), jobStatus),
    readAs(jobAskFile(folder, job), jobAsk),
  ]);
  return { job, status: status.value, asked: asked.value, problem: status.problem ?? asked.problem };
}

interface Read<T> {
  readonly value?: T;
  readonly problem?: string;
}

async function readAs<Schema extends z.ZodType>(file: string, schema: Schema): Promise<Read<z.output<Schema>>> {
  const name = basename(file); // Operators read the sentence, and the folder is the server's matter.
  try {
    const text = await readText(file);
    if (text === undefined) return { problem: `${name} is above ${JOB_FILE_BYTES_MAX} bytes` };
    const parsed = schema.safeParse(JSON.parse(text));
    if (parsed.success) return { value: parsed.data };
    const [issue] = parsed.error.issues;
    return { problem: `${name}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}` };
  } catch (error) {
    if (isAbsent(error)) return {};
    const why = error instanceof SyntaxError ? 'it is not JSON' : (error as NodeJS.ErrnoException).code;
    return { problem: `${name} cannot be read: ${why}` };
  }
}

async function readText(file: string): Promise<string | undefined> {
  const handle = await open(file);
  try {
    const { size } = await handle.stat();
    return size > JOB_FILE_BYTES_MAX ? undefined : await handle.readFile('utf8');
  } finally {
    await handle.close();
  }
}

function isAbsent(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}

/**
 * Asks a job, in place of what it was asked before. Everything that can fail is done before `record`, which says that it was
 * asked. @throws when it cannot be written, and then nothing is asked; or what `record` throws
 */
export async function askJob(folder: string, job: string, ask: JobAsk, record: () => Promise<void>): Promise<void> {
  const file = jobAskFile(folder, job);
  const staged = `${file}.${process.pid}.new`;
  const handle = await open(staged, 'w', 0o644);
  try {
    await handle.writeFile(`${JSON.stringify(ask)}\n`);
    await handle.sync();
  } finally {
    await handle.close();
  }
  try {
    await record();
    await rename(staged, file);
  } catch (error) {
    await rm(staged, { force: true });
    throw error;
  }
}
