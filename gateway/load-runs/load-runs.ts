// The load comparisons that a folder holds, which `npm run loadtest -- compare` writes: a list in brief, one of them, and its page.
import { open, readdir } from 'node:fs/promises';
import {
  LOAD_REPORT_BYTES_MAX,
  LOAD_RUNS_MAX,
  type LoadReport,
  loadRunFile,
  loadRunOfFile,
  loadRunsFolder,
  parseLoadReport,
} from '../../config/load-report.ts';
import { type BriefRun, briefOf } from './brief-run.ts';

/** What is wrong with one run's file, without the folder's name: who looks need not know this machine. */
export interface RunProblem {
  readonly run: string;
  readonly problem: string;
}

export interface LoadRunList {
  /** The latest LOAD_RUNS_MAX, the oldest first. */
  readonly runs: readonly BriefRun[];
  readonly problems: readonly RunProblem[];
}

export interface LoadRuns {
  /** One reading at a time; a file that has not changed is not read again. @throws when the folder cannot be read */
  list(): Promise<LoadRunList>;
  /** Undefined where there is no such run; a sentence where its file is no report. */
  one(id: string): Promise<LoadReport | string | undefined>;
  /** The run's own page, as it was written: HTML that nobody has checked. Undefined where there is none. */
  page(id: string): Promise<string | undefined>;
}

/** `folder` is the one in force, or undefined for none: then there are no runs. */
export function createLoadRuns(folder: () => string | undefined): LoadRuns {
  let known = new Map<string, KnownRun>(); // As many as LOAD_RUNS_MAX.
  let reading: Promise<LoadRunList> | undefined;

  async function readAll(): Promise<LoadRunList> {
    const root = folder();
    const next = new Map<string, KnownRun>();
    // One after the other: a report may be large, and only its brief is kept.
    for (const id of root === undefined ? [] : await runsIn(root)) {
      const file = loadRunFile(root ?? '', id, 'json');
      const before = known.get(file);
      const now = await readRun(file, id, before);
      if (now) next.set(file, now);
    }
    known = next;
    const found = [...next.values()].map(({ told }) => told);
    return {
      runs: found.filter((each) => 'at' in each),
      problems: found.filter((each) => 'problem' in each),
    };
  }

  const text = async (id: string, kind: 'json' | 'html') => {
    const root = folder();
    if (root === undefined || loadRunOfFile(`${id}.json`) === undefined) return undefined;
    return readText(loadRunFile(root, id, kind));
  };

  return {
    list() {
      reading ??= readAll().finally(() => {
        reading = undefined;
      });
      return reading;
    },
    async one(id) {
      const read = await text(id, 'json');
      if (!read) return undefined;
      const parsed = 'problem' in read ? read : parseLoadReport(read.text);
      return 'report' in parsed ? parsed.report : parsed.problem;
    },
    async page(id) {
      const read = await text(id, 'html');
      return read && 'text' in read ? read.text : undefined;
    },
  };
}

interface KnownRun {
  /** Of the file as it was read. */
  readonly mark: string;
  readonly told: BriefRun | RunProblem;
}

/** The latest runs by name, the oldest first; none where there is no folder. */
async function runsIn(folder: string): Promise<string[]> {
  const files = await readdir(loadRunsFolder(folder)).catch((error: unknown) => {
    if (isAbsent(error)) return [];
    throw error;
  });
  const runs = files.flatMap((file) => loadRunOfFile(file) ?? []);
  return runs.sort().slice(-LOAD_RUNS_MAX);
}

/** As it was before, where its file is; undefined for one that has gone meanwhile. */
async function readRun(file: string, id: string, before: KnownRun | undefined): Promise<KnownRun | undefined> {
  const read = await readText(file, before?.mark);
  if (read === undefined) return undefined;
  if (before !== undefined && read.mark === before.mark) return before;
  const parsed = 'problem' in read ? read : parseLoadReport(read.text);
  const told = 'report' in parsed ? briefOf(id, parsed.report) : { run: id, problem: parsed.problem };
  return { mark: read.mark, told };
}

type ReadText = { readonly mark: string } & ({ readonly text: string } | { readonly problem: string });

/** A file's text, but for one that still is as `known` marks it. Undefined where there is none. */
async function readText(file: string, known?: string): Promise<ReadText | undefined> {
  let mark = '';
  try {
    const handle = await open(file);
    try {
      const { size, mtimeMs } = await handle.stat();
      mark = `${mtimeMs} ${size}`;
      if (mark === known) return { mark, text: '' };
      if (size > LOAD_REPORT_BYTES_MAX) return { mark, problem: `it is above ${LOAD_REPORT_BYTES_MAX} bytes` };
      return { mark, text: await handle.readFile('utf8') };
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (isAbsent(error)) return undefined;
    return { mark, problem: `it cannot be read: ${(error as NodeJS.ErrnoException).code}` };
  }
}

function isAbsent(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === 'ENOENT';
}
