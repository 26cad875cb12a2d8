// Plans and states in words.
import type { LedgerJob } from '../ledger/ledger.ts';
import type { Plan } from '../plan/plan.ts';
import type { Progress } from '../run/run.ts';
import type { PaceState } from '../target/pace.ts';

const whole = (value: number) => Math.round(value).toLocaleString('en');
const percent = (share: number) => `${(share * 100).toFixed(1)} %`;

export function planText({ job, findings, upTos, source, hash }: Plan, file: string): string {
  const { rows, unmappable, collisions, itemBytes, pastExpiry, writeUnits, indexes, log, seconds, warnings } = findings;
  return [
    `${job}: ${whole(rows)} rows in ${whole(upTos.length)} chunks`,
    `columns: ${source.schema.map(({ name, type }) => `${name} ${type}`).join(', ')}`,
    `items: ${whole(itemBytes.total)} bytes, the largest ${whole(itemBytes.largest)}; ${whole(writeUnits)} write units with indexes`,
    `cannot be mapped: ${whole(unmappable.count)}; share an item: ${whole(collisions)}`,
    ...unmappable.examples.map(({ key, reason }) => `  ${key.join(' ')}: ${reason}`),
    `would have expired already: ${whole(pastExpiry)}; they are kept for 90 days from this plan`,
    ...indexes.map(
      ({ name, keys, largestShare, writesPerSecondMax }) =>
        `${name}: ${whole(keys)} keys, the largest has ${percent(largestShare)}; at most ${whole(writesPerSecondMax)} writes/s`,
    ),
    `the source's log grows by ${whole(log.bytesPerSecond)} bytes/s; a slot may keep ${log.keptBytesMax === null ? 'all of it' : `${whole(log.keptBytesMax)} bytes`}`,
    `about ${whole(seconds)} s at what the table and its indexes take`,
    ...warnings.map((warning) => `warning: ${warning}`),
    `plan ${hash.slice(0, 12)} in ${file}`,
  ].join('\n');
}

type Shown = Omit<LedgerJob, 'spooledLsn'> & { readonly spooledLsn: string; readonly certificate: string };

export function statusText({
  name,
  state,
  reason,
  paused,
  chunks,
  pending,
  counts,
  deadLetters,
  ...rest
}: Shown): string {
  const condition = state === 'blocked' ? `blocked: ${reason}` : paused ? 'paused' : 'running when a run is under way';
  return [
    `${name}: ${condition}`,
    `  chunks ${chunks.done} of ${chunks.total}; rows ${whole(counts.rowsWritten)}, kept ${whole(counts.rowsKept)}`,
    `  changes applied ${whole(counts.changesApplied)}, copied already ${whole(counts.changesSeen)}, kept ${whole(counts.changesKept)}; waiting ${whole(pending)}`,
    `  received up to ${rest.spooledLsn}; dead letters ${whole(deadLetters)}; certificate: ${rest.certificate}`,
  ].join('\n');
}

/** A line of progress. `before` was seen `seconds` ago. */
export function progressText(
  { job, slot, holding }: Progress,
  before: Progress | undefined,
  seconds: number,
  pace: PaceState,
): string {
  const { chunks, counts, pending } = job;
  const written = ({ counts: of }: Progress['job']) => of.rowsWritten + of.changesApplied;
  const rate = before === undefined || seconds <= 0 ? 0 : (written(job) - written(before.job)) / seconds;
  const left = chunks.total - chunks.done;
  const rowsOfChunk = chunks.done === 0 ? 0 : (counts.rowsWritten + counts.rowsKept) / chunks.done;
  const eta = left > 0 && rate > 0 && rowsOfChunk > 0 ? `, about ${whole((left * rowsOfChunk) / rate)} s left` : '';
  const why =
    holding ?? (pace.reason === undefined ? undefined : `throttled ${whole(pace.throttled)} times: ${pace.reason}`);
  return [
    `${job.name} chunks ${chunks.done}/${chunks.total}`,
    `rows ${whole(counts.rowsWritten)}`,
    `changes ${whole(counts.changesApplied)} (${whole(pending)} waiting)`,
    `${whole(rate)}/s${eta}`,
    `${pace.atOnce} at once`,
    `log kept ${whole(slot.keptBytes / 1024)} KiB`,
    ...(job.deadLetters > 0 ? [`dead letters ${whole(job.deadLetters)}`] : []),
    ...(why === undefined ? [] : [why]),
  ].join('; ');
}
