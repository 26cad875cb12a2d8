// The API of the audit log: look at the newest entries, or take all of them along.
import { Hono } from 'hono';
import type { AuditHead, Ledger, StoredAuditEntry } from '../ledger/ledger.ts';
import { CSV_HEADER, csvRow } from './audit-csv.ts';
import { type OperatorContext, type OperatorDeps, type OperatorEnv, readQuery } from './context.ts';
import { auditExportQuery, auditQuery } from './contract/gateway.ts';

/** Entries of an export that are in memory at once. */
const EXPORT_PAGE = 200;

/** The last entry of an export: without all up to it the export is not whole. */
const HEAD_FIELD = 'x-banyan-audit-head';

interface ExportFormat {
  readonly type: string;
  readonly header: string;
  readonly line: (entry: StoredAuditEntry) => string;
}

const FORMATS = {
  json: { type: 'application/x-ndjson', header: '', line: (entry) => `${JSON.stringify(entry)}\n` },
  csv: { type: 'text/csv; charset=utf-8; header=present', header: CSV_HEADER, line: csvRow },
} as const satisfies Record<string, ExportFormat>;

export function auditApi(deps: Pick<OperatorDeps, 'ledger' | 'raised'>): Hono<OperatorEnv> {
  const { ledger } = deps;
  return new Hono<OperatorEnv>().get('/', async (c) => {
    if (c.req.query('format') !== undefined) return exportAll(deps, c);
    const { limit, before, route } = readQuery(c, auditQuery);
    const scope = route ? { scope: route } : {};
    const entries = await ledger.audit({ limit, ...(before ? { before } : {}), ...scope });
    return c.json({ entries, head: (await ledger.auditHead()) ?? null });
  });
}

/** All entries there are now, the oldest first; those that come meanwhile are not among them, so that it ends. */
async function exportAll({ ledger, raised }: Pick<OperatorDeps, 'ledger' | 'raised'>, c: OperatorContext) {
  // An export is the whole log: nothing else goes with it.
  const { format: name } = readQuery(c, auditExportQuery);
  const format = FORMATS[name];
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
