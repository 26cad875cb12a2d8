// The commands that look and prepare: setup, plan, status, reset, explain, dead letters.
import { setUpTable } from '../../backend/store/setup.ts';
import { dropBackTables, ensureBackTables } from '../back/tables.ts';
import { readControl } from '../cutover/control.ts';
import type { Job } from '../jobs/job.ts';
import { JOBS } from '../jobs/jobs.ts';
import { type Key, rangeOf } from '../jobs/key.ts';
import { makePlan } from '../plan/make-plan.ts';
import { writePlan } from '../plan/plan.ts';
import { formatLsn } from '../postgres/lsn.ts';
import { dropSlot, ensureFullIdentity } from '../postgres/slot.ts';
import { describeVersion, isMigrated, isTombstone, versionIn } from '../run/marks.ts';
import { replayDeadLetters } from '../run/repair.ts';
import { tellNothing } from '../status/tell.ts';
import { readCertificate } from '../verify/certificate.ts';
import { CommandError, EXIT, type Result } from './answer.ts';
import { type Context, checkedPlan, engineOf, planFile } from './context.ts';
import { planText, statusText } from './render.ts';

/** Makes what a run needs and is missing; says what it changed. */
export async function setUp({ config, pool, target }: Context, job: Job, wayBack: boolean): Promise<Result> {
  const source = [...(await ensureFullIdentity(pool, job)), ...(wayBack ? await ensureBackTables(pool, job) : [])];
  const steps = await setUpTable(target.client, { table: config.dynamo.table, dryRun: false, stream: wayBack });
  const lines = steps.map(
    ({ step, name, outcome, detail }) => `${step} ${name}: ${outcome}${detail === undefined ? '' : `, ${detail}`}`,
  );
  const isUsable = steps.every(({ step, outcome }) => outcome !== 'refused' || OPTIONAL.has(step));
  return { json: { source, steps }, text: [...source, ...lines].join('\n'), code: isUsable ? EXIT.ok : EXIT.error };
}

/** What stand-ins of DynamoDB do not have and a job can do without. */
const OPTIONAL: ReadonlySet<string> = new Set(['expiry', 'recovery']);

/** A dry run: reads everything, writes a plan file and nothing else. */
export async function plan({ config, pool }: Context, job: Job, chunkRows: number): Promise<Result> {
  const where = { url: config.sourceUrl, pool, target: { table: config.dynamo.table, region: config.dynamo.region } };
  const file = planFile(config, job);
  const made = writePlan(file, await makePlan(job, where, chunkRows));
  const { upTos, source: _source, ...rest } = made;
  return { json: { ...rest, chunks: upTos.length, file }, text: planText(made, file) };
}

/** Asks neither side; the ledger and the certificates know. */
export async function status(
  { config, ledger }: Pick<Context, 'config' | 'ledger'>,
  jobs: readonly Job[],
): Promise<Result> {
  const known = [];
  for (const { name } of jobs) {
    const job = await ledger.job(name);
    const certificate = readCertificate(config.certificates, name, config.signingKey);
    if (job) known.push({ ...job, spooledLsn: formatLsn(job.spooledLsn), certificate: certificateState(certificate) });
  }
  return { json: { jobs: known }, text: known.length === 0 ? 'no job was run yet' : known.map(statusText).join('\n') };
}

function certificateState(found: ReturnType<typeof readCertificate>): string {
  if (!found) return 'none';
  const { certificate, signed } = found;
  const until = Date.parse(certificate.validUntil) > Date.now() ? `until ${certificate.validUntil}` : 'ended';
  return `${certificate.result}, ${until}${signed ? '' : ', but not signed with MIGRATION_SIGNING_KEY'}`;
}

/** Gives the job up, so that it can be planned anew. What it wrote stays; a later plan's items win over it. */
export async function reset({ config, pool, ledger }: Context, job: Job): Promise<Result> {
  const control = await readControl(pool, job);
  if (control !== undefined && control.phase !== 'legacy')
    throw new CommandError(
      EXIT.conflict,
      `legacy does not write ${job.name}; run: banyan-migrate rollback ${job.name}`,
    );
  // The slot first: it fails while a run is under way.
  const done = [...(await dropSlot(pool, job)), ...(await dropBackTables(pool, job))];
  await ledger.remove(job.name);
  tellNothing(config.certificates, job.name);
  const text = [...done, `${job.name} is forgotten; the items that it wrote stay`].join('\n');
  return { json: { job: job.name, done }, text };
}

/** Everything that is known of one row, on both sides and between. */
export async function explain(context: Context, job: Job, key: Key): Promise<Result> {
  if (key.length !== job.key.length)
    throw new CommandError(EXIT.usage, `a key of ${job.name} is ${job.key.map(({ name }) => name).join(' ')}`);
  const { ledger, target } = context;
  const row = await engineOf(context, job, await checkedPlan(context, job)).source.readRow(key);
  const chunks = await ledger.chunks(job.name);
  const chunk =
    chunks[
      rangeOf(
        job.key,
        chunks.map(({ upTo }) => upTo),
        key,
      )
    ];
  const pending = await ledger.pendingOf(job.name, key);
  const letter = await ledger.deadLetter(job.name, key);
  const known = row ?? pending.at(-1)?.row ?? letter?.row;
  const item = known && (await target.get(job.itemKeyOf(known)));
  const version = item && versionIn(item);
  const waiting = pending.map(({ kind, commitLsn, xid }) => ({ kind, at: formatLsn(commitLsn), xid: String(xid) }));
  const lines = [
    `row: ${row ? 'there' : 'not there'}`,
    chunk
      ? `chunk ${chunk.id}: ${chunk.done ? 'copied' : 'not copied'}, snapshot ${chunk.snapshot ?? 'none yet'}`
      : 'chunk: the job was not run yet',
    ...waiting.map(({ kind, at, xid }) => `waiting: ${kind} of the transaction ${xid} at ${at}`),
    ...(letter ? [`dead letter since ${letter.at}: ${letter.reason}`] : []),
    itemLine(known !== undefined, item),
    ...(version ? [`written by ${describeVersion(version)}`] : []),
  ];
  return { json: { job: job.name, key, row, chunk, waiting, deadLetter: letter, item }, text: lines.join('\n') };
}

function itemLine(placeKnown: boolean, item: Parameters<typeof isMigrated>[0] | undefined): string {
  if (!placeKnown) return 'item: where it would be is not known without a row';
  if (!item) return 'item: none';
  if (isTombstone(item)) return 'item: a tombstone, the row was deleted';
  return isMigrated(item) ? 'item: there' : "item: the service's own, which the job leaves alone";
}

const LETTERS_SHOWN_MAX = 1_000;

export async function listDeadLetters({ ledger }: Context, job: Job): Promise<Result> {
  const letters = await ledger.deadLetters(job.name, LETTERS_SHOWN_MAX);
  const lines = letters.map(({ key, reason, at }) => `${key.join(' ')}  ${at}  ${reason}`);
  return { json: { deadLetters: letters }, text: lines.length === 0 ? 'no dead letters' : lines.join('\n') };
}

export async function replay(context: Context, job: Job): Promise<Result> {
  const engine = engineOf(context, job, await checkedPlan(context, job));
  const { repaired, gone, failed } = await replayDeadLetters(engine);
  const lines = [`${repaired} repaired, ${gone} whose row is gone, ${failed.length} failed again`];
  for (const { key, reason } of failed) lines.push(`${key.join(' ')}  ${reason}`);
  const code = failed.length === 0 ? EXIT.ok : EXIT.error;
  return { json: { repaired, gone, failed }, text: lines.join('\n'), code };
}

export const allJobs = (): readonly Job[] => [...JOBS.values()];
