// Changes that wait for a ledger that is away: a file of lines, each on the disk before it counts. Bounded. A line that a
// crash has cut was never answered, and is forgotten.
import { randomUUID } from 'node:crypto';
import { type FileHandle, mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import type { LedgerChange } from './ledger.ts';
import { replaceFile } from './replace-file.ts';

/** Operators make some a day; more than this in one outage is somebody's loop. */
export const JOURNAL_MAX = 1_000;
/** Audit entries carry evidence; a few kilobytes each. */
const JOURNAL_BYTES_MAX = 32 * 1024 * 1024;

export interface JournalEntry {
  /** Grows with each entry of the journal, and never begins anew. */
  readonly sequence: number;
  readonly change: LedgerChange;
  /** The revision of its scope that the change is right for; undefined where it is for any. */
  readonly expected: number | undefined;
  /** Of a move that was seen in the flag source: the flags as FlagMove has them, and the last move that was known. */
  readonly since: { readonly flags: string; readonly move: number } | undefined;
}

export interface Journal {
  /** A name that no other journal has. */
  readonly source: string;
  /** In their order. */
  readonly entries: readonly JournalEntry[];
  /** Resolves once it is on the disk. @throws when there is no room, or the disk fails. */
  append(entry: Omit<JournalEntry, 'sequence'>): Promise<void>;
  /** All entries are in the ledger. */
  clear(): Promise<void>;
  close(): Promise<void>;
}

/** JSON has no undefined: what was that is not there. */
function optional<Schema extends z.ZodType>(schema: Schema) {
  return schema.optional().transform((value) => value);
}

const head = z.object({ journal: z.literal(1), source: z.string(), from: z.number() });
/** Nobody but this writes the file. */
const line = z.object({
  sequence: z.number(),
  change: z.custom<LedgerChange>(isObject),
  expected: optional(z.number()),
  since: optional(z.object({ flags: z.string(), move: z.number() })),
});

/** Opens the journal in `file`, made when missing. @throws when it cannot be used. */
export async function openJournal(file: string): Promise<Journal> {
  await mkdir(dirname(file), { recursive: true });
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  const [first, ...rest] = text.split('\n');
  const { source, from } = first ? readHead(file, first) : { source: randomUUID(), from: 0 };
  let entries = rest.flatMap((each) => line.safeParse(parseJson(each)).data ?? []);
  let sequence = entries.at(-1)?.sequence ?? from;
  let bytes = 0;
  let handle: FileHandle | undefined;

  /** Written anew, whole: what a crash has left half is gone then. */
  async function rewrite(): Promise<void> {
    const lines = entries.map((entry) => JSON.stringify(entry));
    const content = [JSON.stringify({ journal: 1, source, from: sequence - entries.length }), ...lines, ''].join('\n');
    await replaceFile(file, content);
    await handle?.close();
    handle = await open(file, 'a');
    bytes = content.length;
  }
  await rewrite();

  return {
    source,
    get entries() {
      return entries;
    },
    async append(given) {
      const entry = { ...given, sequence: sequence + 1 };
      const text = `${JSON.stringify(entry)}\n`;
      if (entries.length >= JOURNAL_MAX || bytes + text.length > JOURNAL_BYTES_MAX) {
        throw new Error(`the journal ${file} is full: ${entries.length} changes wait for the ledger`);
      }
      try {
        await handle?.write(text);
        await handle?.sync();
      } catch (error) {
        await rewrite().catch(() => {}); // Half a line must not spoil the next one.
        throw error;
      }
      sequence++;
      bytes += text.length;
      entries = [...entries, entry];
    },
    async clear() {
      entries = [];
      await rewrite();
    },
    close: async () => handle?.close(),
  };
}

function readHead(file: string, text: string): z.output<typeof head> {
  const parsed = head.safeParse(parseJson(text));
  if (!parsed.success) throw new Error(`${file} is no journal of this release; use the matching one, or move it away`);
  return parsed.data;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
