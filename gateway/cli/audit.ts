// What `banyan audit` does: show the log, export it, verify its chain.
import { createReadStream } from 'node:fs';
import { z } from 'zod';
import { createChainVerifier } from '../ledger/audit-chain.ts';
import type { Output, Result } from './answer.ts';
import type { ApiClient } from './client.ts';
import { CommandError, EXIT } from './exit.ts';
import { table } from './table.ts';

export type ExportFormat = 'json' | 'csv';

/** More is no entry: one of a route with many differences has some ten thousand characters. */
const LINE_CHARS_MAX = 16_777_216;
const HEAD_FIELD = 'x-banyan-audit-head';

const auditSchema = z.looseObject({
  entries: z.array(
    z.looseObject({
      id: z.number(),
      at: z.string(),
      actor: z.string(),
      source: z.string(),
      action: z.string(),
      scope: z.string(),
      reason: z.string(),
    }),
  ),
});

export async function showAudit(api: ApiClient, query: { route?: string; limit?: number }): Promise<Result> {
  const parameters = new URLSearchParams();
  if (query.route !== undefined) parameters.set('route', query.route);
  if (query.limit !== undefined) parameters.set('limit', String(query.limit));
  const { body } = await api.get(`/api/audit?${parameters}`);
  const rows = auditSchema
    .parse(body)
    .entries.map(({ at, actor, source, action, scope, reason }) => [at, actor, source, action, scope, reason]);
  return { json: body, text: table(['AT', 'WHO', 'BY', 'DID', 'TO', 'WHY'], rows) };
}

/** Writes the whole log, the oldest entry first, and says its head beside it. */
export async function exportAudit(api: ApiClient, format: ExportFormat, { out, err }: Output): Promise<undefined> {
  const { headers, text } = await api.download(`/api/audit?format=${format}`);
  for await (const line of linesOf(text)) out(line); // With its line end, the text as it came.
  const head = headers[HEAD_FIELD];
  err(`note: ${typeof head === 'string' ? headText(head.split(' ')) : 'the log is empty'}`);
}

/** Verifies the log of a gateway, as anybody could who exports it. */
export async function verifyGateway(api: ApiClient, known: string | undefined): Promise<Result> {
  const { headers, text } = await api.download('/api/audit?format=json');
  const head = headers[HEAD_FIELD];
  const announced = typeof head === 'string' ? head.split(' ')[1] : undefined;
  return verify(text, known, announced);
}

/** Verifies an export, without any gateway. @throws {CommandError} for a file that cannot be read. */
export function verifyFile(file: string, known: string | undefined): Promise<Result> {
  return verify(textOf(file), known, undefined);
}

async function* textOf(file: string): AsyncIterable<string> {
  try {
    yield* createReadStream(file, 'utf8');
  } catch (error) {
    throw new CommandError(EXIT.usage, `${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

async function verify(
  text: AsyncIterable<string>,
  known: string | undefined,
  /** The hash with which the log should end. */
  announced: string | undefined,
): Promise<Result> {
  const verifier = createChainVerifier(known);
  let isFirst = true;
  for await (const line of linesOf(text)) {
    verifier.add(isFirst ? firstEntryOf(line) : (entrySchema.safeParse(line).data ?? {}));
    isFirst = false;
  }
  const { entries, head, broken } = verifier.result();
  const short = announced !== undefined && head?.hash !== announced && !broken;
  if (short) throw new CommandError(EXIT.unreachable, `the export ended before entry ${announced}; try again`);
  const json = { ok: broken === undefined, entries, head: head ?? null, broken: broken ?? null };
  if (!broken) {
    const told = head ? headText([String(head.id), head.hash]) : 'the log is empty';
    return { json, text: `the chain holds: ${entries} entries; ${told}` };
  }
  const end = head ? `the end, after entry ${head.id}` : 'the log';
  const where = broken.id === undefined ? end : `entry ${broken.id}`;
  const holds = head ? `all up to entry ${head.id} holds` : 'nothing before it';
  return { json, text: `BROKEN at ${where}: ${broken.problem}; ${holds}`, code: EXIT.gateNotMet };
}

function headText([id, hash]: readonly string[]): string {
  return `the head is ${hash} (entry ${id}); keep it elsewhere, and give it to banyan audit verify --head`;
}

/** What does not even begin like an export is none. */
function firstEntryOf(line: string): Readonly<Record<string, unknown>> {
  const parsed = entrySchema.safeParse(line);
  if (parsed.success) return parsed.data;
  const brief = line.length > 40 ? `${line.slice(0, 40)}...` : line;
  throw new CommandError(EXIT.usage, `not an entry: ${brief}; verify takes what banyan audit --export json wrote`);
}

const entrySchema = z
  .string()
  .transform((text, context): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      context.addIssue({ code: 'custom', message: 'not JSON' });
      return z.NEVER;
    }
  })
  .pipe(z.record(z.string(), z.unknown()));

async function* linesOf(text: AsyncIterable<string>): AsyncIterable<string> {
  let rest = '';
  for await (const chunk of text) {
    const lines = `${rest}${chunk}`.split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > LINE_CHARS_MAX) throw new CommandError(EXIT.usage, 'a line is too long to be an entry');
    yield* lines;
  }
  if (rest !== '') yield rest;
}
