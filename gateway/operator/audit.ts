// The API of the audit log: look at the newest entries, or take all of them along.
import { Hono } from 'hono';
import { z } from 'zod';
import type { AuditHead, Ledger, StoredAuditEntry } from '../ledger/ledger.ts';
import { CSV_HEADER, csvRow } from './audit-csv.ts';
import { type OperatorContext, type OperatorDeps, type OperatorEnv, Refusal } from './context.ts';

const LIMIT_MAX = 500;
/** Entries of an export that are in memory at once. */
const EXPORT_PAGE = 200;

/** The last entry of an export: without all up to it the export is not whole. */
const HEAD_FIELD = 'x-banyan-audit-head';

const listQuery = z.object({
  limit: z.coerce.number().int().min(1).max(LIMIT_MAX).default(50),
  before: z.coerce.number().int().min(1).optional(),
  route: z.string().optional(),
});

interface ExportFormat {
  readonly type: string;
  readonly header: string;
  readonly line: (entry: StoredAuditEntry) => string;
}

const FORMATS: ReadonlyMap<string, ExportFormat> = new Map([
  ['json', { type: 'application/x-ndjson', header: '', line: (entry) => `${JSON.stringify(entry)}\n` }],
  ['csv', { type: 'text/csv; charset=utf-8; header=present', header: CSV_HEADER, line: csvRow }],
]);

export function auditApi(deps: Pick<OperatorDeps, 'ledger' | 'raised'>): Hono<OperatorEnv> {
  const { ledger } = deps;
  return new Hono<OperatorEnv>().get('/', async (c) => {
    if (c.req.query('format') !== undefined) return exportAll(deps, c);
    const query = listQuery.safeParse(c.req.query());
    if (!query.success) throw new Refusal(400, `limit is from 1 to ${LIMIT_MAX}; before is the id of an entry`);
    const { limit, before, route } = query.data;
    const scope = route ? { scope: route } : {};
    const entries = await ledger.audit({ limit, ...(before ? { before } : {}), ...scope });
    return c.json({ entries, head: (await ledger.auditHead()) ?? null });
  });
}

/** All entries there are now, the oldest first; those that come meanwhile are not among them, so that it ends. */
async function exportAll({ ledger, raised }: Pick<OperatorDeps, 'ledger' | 'raised'>, c: OperatorContext) {
  const { format: name = '', ...rest } = c.req.query();
  const format = FORMATS.get(name);
  if (!format) throw new Refusal(400, `format is one of ${[...FORMATS.keys()].join(', ')}`);
  if (Object.keys(rest).length > 0) throw new Refusal(400, 'an export is the whole log: send nothing beside format');
  const head = await ledger.auditHead();
  return c.body(pages(ledger, head, format, raised), 200, {
    'content-type': format.type,
    'content-disposition': `attachment; filename="audit.${name === 'json' ? 'ndjson' : name}"`,
    'cache-control': 'no-store',
    ...(head ? { [HEAD_FIELD]: `${head.id} ${head.hash}` } : {}),
  });
}

/** Reads a page when the last one has been taken. One that cannot be read cuts the answer, so that it does not look whole. */
function pages(
  ledger: Pick<Ledger, 'auditAfter'>,
  head: AuditHead | undefined,
  { header, line }: ExportFormat,
  raised: OperatorDeps['raised'],
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const last = head?.id ?? 0;
  let after = 0;
  return new ReadableStream({
    start(controller) {
      if (header !== '') controller.enqueue(encoder.encode(header));
    },
    async pull(controller) {
      try {
        const page = after < last ? await ledger.auditAfter({ after, limit: EXPORT_PAGE }) : [];
        const wanted = page.filter(({ id }) => id <= last);
        after = wanted.at(-1)?.id ?? last;
        if (wanted.length > 0) controller.enqueue(encoder.encode(wanted.map(line).join('')));
        if (after >= last) controller.close();
      } catch (error) {
        raised('audit.export', error);
        controller.error(error);
      }
    },
  });
}
