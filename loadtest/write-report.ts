// A comparison on the disk: JSON, Markdown, the page, and a certificate for plans that wait for it.
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import process from 'node:process';
import { sealOf } from '../config/certificate-seal.ts';
import { LOAD_RUNS_MAX, loadRunFile, loadRunId, loadRunOfFile, loadRunsFolder } from '../config/load-report.ts';
import { htmlOf } from './html.ts';
import { markdownOf } from './markdown.ts';
import type { Report } from './report.ts';

/** The certificate's name, by which a route requires it. */
const JOB = 'load';
const HOUR_MS = 3_600_000;

/**
 * Writes `compare.json`, `compare.md` and `compare.html` into a folder, and keeps the first and the last of them in its folder of
 * runs, where a gateway finds them, in place of the oldest where there are many. Answers the paths.
 */
export function writeReport(report: Report, folder: string): readonly string[] {
  mkdirSync(loadRunsFolder(folder), { recursive: true });
  const [json, html, id] = [jsonOf(report), htmlOf(report), loadRunId(report.at)];
  const files: readonly (readonly [path: string, text: string])[] = [
    [join(folder, 'compare.json'), json],
    [join(folder, 'compare.md'), markdownOf(report)],
    [join(folder, 'compare.html'), html],
    [loadRunFile(folder, id, 'html'), html],
    [loadRunFile(folder, id, 'json'), json], // Last: a run that is listed has its page.
  ];
  const written = files.map(([path, text]) => replaceFile(path, text));
  removeOldest(folder);
  return written;
}

function removeOldest(folder: string): void {
  const runs = readdirSync(loadRunsFolder(folder)).flatMap((file) => loadRunOfFile(file) ?? []);
  for (const id of runs.sort().slice(0, -LOAD_RUNS_MAX))
    for (const kind of ['json', 'html'] as const) rmSync(loadRunFile(folder, id, kind), { force: true });
}

export interface Certificate {
  /** The gateway's folder of certificates. */
  readonly folder: string;
  readonly validHours: number;
  /** What data jobs sign theirs with. */
  readonly key: string;
}

/**
 * Writes `load.json`, where the gate `data` of a route with `requires: [load]` reads it: verified when every limit was met, else
 * failed. It counts for so many hours from when the comparison began. Answers the file.
 */
export function writeCertificate(report: Report, { folder, validHours, key }: Certificate): string {
  mkdirSync(folder, { recursive: true });
  const body = {
    ...{ job: JOB, result: report.met ? 'verified' : 'failed', at: report.at },
    validUntil: new Date(Date.parse(report.at) + validHours * HOUR_MS).toISOString(),
    reportSha256: createHash('sha256').update(jsonOf(report)).digest('hex'),
  };
  const certificate = { ...body, signature: sealOf(body, key) };
  return replaceFile(join(folder, `${JOB}.json`), `${JSON.stringify(certificate, null, 2)}\n`);
}

const jsonOf = (report: Report): string => `${JSON.stringify(report, null, 2)}\n`;

/** Whole or not at all: a gateway may be reading. */
function replaceFile(path: string, text: string): string {
  const unfinished = `${path}.${process.pid}`;
  writeFileSync(unfinished, text);
  renameSync(unfinished, path);
  return path;
}
