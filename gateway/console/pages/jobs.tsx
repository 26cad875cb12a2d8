// The data jobs: how far each table is, whether that is proven, and what to press.
import type { JSX } from 'preact';
import type { Job, JobList } from '../answers.ts';
import { write } from '../api.ts';
import { formatAge, formatBytes, formatCount, formatRate, formatShare, NOTHING } from '../format.ts';
import { useLive } from '../live.ts';
import { routePath } from '../location.ts';
import { ChangeForm } from '../parts/change-form.tsx';
import { openDialog } from '../parts/dialog.tsx';
import { Loading } from '../parts/loading.tsx';
import { Time } from '../parts/time.tsx';
import { mayOperate } from '../session.ts';

export function JobsPage(): JSX.Element {
  const live = useLive<JobList>('/api/jobs');
  return (
    <>
      <header class="page-head">
        <h1>Data jobs</h1>
      </header>
      <Loading live={live.value}>{({ jobs }) => <Jobs jobs={jobs} />}</Loading>
    </>
  );
}

function Jobs({ jobs }: JobList): JSX.Element {
  if (jobs.length === 0)
    return (
      <p class="faint">
        No data job is known: no route requires one, and none has told how far it is in the folder that the
        configuration names as <code>certificates</code>.
      </p>
    );
  return (
    <>
      {jobs.map((job) => (
        <JobPanel key={job.job} job={job} />
      ))}
    </>
  );
}

/** Colour is never alone: each has its word, and a shape of its own. */
const SIGNS: Readonly<Record<Job['condition'], readonly [shape: string, health: string]>> = {
  running: ['◐', 'healthy'],
  caught_up: ['●', 'healthy'],
  paused: ['◼', 'paused'],
  stopped: ['◻', 'paused'],
  silent: ['▲', 'degraded'],
  blocked: ['▲', 'degraded'],
  unknown: ['○', 'unknown'],
};

function JobPanel({ job: view }: { readonly job: Job }): JSX.Element {
  const { job, condition, phase, attention, status, asked, neededBy } = view;
  const [shape, health] = SIGNS[condition];
  return (
    <section class="panel job" data-job={job} aria-label={job}>
      <header class="page-head">
        <h2>
          {job} <span class="faint">{status?.table}</span>
        </h2>
        <p>
          <span class={`health ${health}`}>
            <span aria-hidden="true">{shape}</span>{' '}
            {condition === 'unknown' ? 'not run yet' : condition.replaceAll('_', ' ')}
          </span>{' '}
          {phase === null ? null : <span class="badge phase">{phase.replaceAll('_', ' ')}</span>}
        </p>
        <Actions job={view} />
      </header>
      {attention === null ? null : <p class="problem">{attention}</p>}
      {status === null ? null : <Numbers job={view} status={status} />}
      <p>
        <Certificate certificate={view.certificate} />
      </p>
      {asked === null ? null : (
        <p role="status">
          {asked.by} asked it to {asked.paused ? 'pause' : 'go on'} <Time at={asked.at} />; it has not done so yet.
        </p>
      )}
      {neededBy.length === 0 ? null : (
        <p class="faint">
          Needed by{' '}
          {neededBy.map((id, index) => (
            <>
              {index === 0 ? '' : ', '}
              <a href={routePath(id)}>{id}</a>
            </>
          ))}
        </p>
      )}
    </section>
  );
}

interface NumbersProps {
  readonly job: Job;
  readonly status: NonNullable<Job['status']>;
}

function Numbers({ job: { job, certificate }, status }: NumbersProps): JSX.Element {
  const { rows, changes, chunks, perSecond, etaMs, logBytes, holding, pace, at } = status;
  const share = rows.planned === 0 ? 1 : Math.min(1, rows.read / rows.planned);
  const throttled = `throttled ${formatCount(pace.throttled)} times: ${pace.reason ?? NOTHING}`;
  const numbers: readonly (readonly [name: string, value: string, hint: string])[] = [
    ['Planned', formatCount(rows.planned), 'Rows that the plan found'],
    ['Read', formatCount(rows.read), 'Rows of chunks that are done'],
    ['Written', formatCount(rows.written), 'Rows put as items'],
    ['Skipped', formatCount(rows.skipped), "Rows whose item was newer already, or the service's own"],
    ['Rejected', formatCount(rows.rejected), 'Rows that cannot be mapped: banyan-migrate dead-letter list'],
    ['Verified', certificate.rows === null ? NOTHING : formatCount(certificate.rows), 'Rows that were compared'],
    ['Changes', formatCount(changes.applied), 'Changes of the source that were applied'],
    ['Waiting', formatCount(changes.waiting), 'Changes that were received and are not applied yet'],
    ['Log kept', logBytes === null ? NOTHING : formatBytes(logBytes), 'How far the source is ahead of the job, as log'],
    ['Rate', `${formatRate(perSecond)}/s`, 'Rows and changes lately'],
    ['Left', etaMs === null ? NOTHING : formatAge(etaMs), 'Until all rows are copied, at that rate'],
  ];
  return (
    <>
      <p class="copied">
        <progress value={share} aria-label={`Copied of ${job}`} />{' '}
        {`${formatShare(share, 1)} copied, ${formatCount(chunks.done)} of ${formatCount(chunks.total)} chunks`}
      </p>
      <dl class="numbers">
        {numbers.map(([name, value, hint]) => (
          <div key={name} title={hint}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {holding === null ? null : <p>Copying waits: {holding}</p>}
      {pace.throttled === 0 ? null : (
        <p>
          {formatCount(pace.atOnce)} writes at once; {throttled}
        </p>
      )}
      <p class="faint">
        As its process told <Time at={at} />
      </p>
    </>
  );
}

function Certificate({ certificate }: Pick<Job, 'certificate'>): JSX.Element {
  const { problem, at, validUntil, rows } = certificate;
  if (problem !== null) return <>Not verified: {problem}</>;
  return (
    <>
      Verified <Time at={at} />
      {rows === null ? '' : `, ${formatCount(rows)} rows`}; the certificate ends{' '}
      {validUntil === null ? 'never' : <Time at={validUntil} />}
    </>
  );
}

function Actions({ job: { job, status, asked, revision } }: { readonly job: Job }): JSX.Element | null {
  if (!mayOperate.value || status === null) return null;
  const isToGoOn = asked === null ? status.paused || status.state === 'blocked' : asked.paused;
  return (
    <p class="buttons">
      <button type="button" onClick={() => askPaused(job, !isToGoOn, `"${revision}"`)}>
        {isToGoOn ? 'Resume…' : 'Pause…'}
      </button>
    </p>
  );
}

function askPaused(job: string, paused: boolean, etag: string): void {
  const verb = paused ? 'Pause' : 'Resume';
  openDialog(() => (
    <ChangeForm
      title={`${verb} ${job}`}
      verb={verb}
      about={`${verb.toLowerCase()} ${job}`}
      act={async (reason) => {
        const path = `/api/jobs/${encodeURIComponent(job)}/paused`;
        await write(path, { method: 'PUT', body: { paused, reason }, ifMatch: etag });
        return `${job}: asked to ${verb.toLowerCase()}`;
      }}
    >
      <p>
        {paused
          ? 'Within a second nothing is copied or applied any more. Changes are still received, so that the source need not keep its log.'
          : 'It goes on where it was, within a second of running. What blocked it, if anything did, must have been put right.'}
      </p>
    </ChangeForm>
  ));
}
