// The data jobs as an operator sees them, and pausing them: their processes are others, which a shared folder tells of.
import { jobScope } from '../ledger/ledger.ts';
import { type Actor, type Changes, ControlError } from '../rollout/changes.ts';
import type { Control } from '../rollout/control.ts';
import type { CurrentSettings } from '../settings.ts';
import { askJob, readJobs } from './job-folder.ts';
import { type JobView, type NeedingRoute, viewOfJob } from './job-view.ts';

export interface KnownJob extends JobView {
  /** Grows with everything that is asked of it; the entity tag that `If-Match` names. */
  readonly revision: number;
}

export interface JobsDeps {
  readonly settings: CurrentSettings;
  readonly control: Pick<Control, 'route'>;
  readonly changes: Pick<Changes, 'revision' | 'reread' | 'check' | 'commit' | 'inTurn'>;
  readonly now: () => Date;
}

export interface Jobs {
  /** Reads how far they are, by name; one reading at a time. @throws when the folder cannot be read */
  read(): Promise<readonly KnownJob[]>;
  /** As they were last read. */
  last(): readonly KnownJob[];
  /**
   * Asks a job to pause or to go on. It does within a second of running, also when it runs only later. `expected` is the revision
   * that the caller has seen; undefined means any. Undefined for a job that nobody knows. @throws {ControlError} stale, conflict,
   * not_stored
   */
  setPaused(job: string, paused: boolean, actor: Actor, expected?: number): Promise<KnownJob | undefined>;
}

export function createJobs({ settings, control, changes, now }: JobsDeps): Jobs {
  let last: readonly KnownJob[] = [];
  let reading: Promise<readonly KnownJob[]> | undefined;

  async function readOnce(): Promise<readonly KnownJob[]> {
    const { config, certificates, table } = settings.current;
    const needing = new Map<string, NeedingRoute[]>(); // As many as the routes name.
    for (const { id, config: route } of table.routes) {
      const { wayBack } = route.writes;
      if (wayBack !== undefined) needing.set(wayBack, needing.get(wayBack) ?? []);
      const needed = { id, stage: control.route(id).stage };
      for (const job of route.requires) needing.set(job, [...(needing.get(job) ?? []), needed]);
    }
    const told = config.certificates === undefined ? [] : await readJobs(config.certificates, [...needing.keys()]);
    const names = told.map(({ job }) => job);
    const found = await certificates.of(names, now());
    const nowMs = now().getTime();
    last = told.flatMap((each, index) => {
      const certificate = found[index];
      if (!certificate) return [];
      const neededBy = needing.get(each.job) ?? [];
      const revision = changes.revision(jobScope(each.job));
      return [{ ...viewOfJob({ told: each, certificate, neededBy, nowMs }), revision }];
    });
    return last;
  }

  function read(): Promise<readonly KnownJob[]> {
    reading ??= readOnce().finally(() => {
      reading = undefined;
    });
    return reading;
  }

  const one = async (job: string) => (await readOnce()).find((each) => each.job === job);

  return {
    read,
    last: () => last,
    setPaused(job, paused, actor, expected) {
      return changes.inTurn(async () => {
        const scope = jobScope(job);
        const folder = settings.current.config.certificates;
        const before = await one(job);
        if (!before || folder === undefined) return undefined;
        await changes.reread(scope).catch(() => {}); // A ledger that cannot be read says so when it is to store.
        changes.check(scope, expected, `the job ${job}`);
        if (!before.status) {
          throw new ControlError(
            'conflict',
            `${job} was not run yet: there is nothing to ${paused ? 'pause' : 'resume'}`,
          );
        }
        const { reason, name: by } = actor;
        const action = paused ? 'pause_job' : 'resume_job';
        const values = { before: { paused: before.status.paused }, after: { paused } };
        const record = () =>
          changes.commit({ scope, override: undefined, action, ...values }, { ...actor, basis: before.status });
        const ask = { paused, by, at: now().toISOString(), reason };
        await askJob(folder, job, ask, record).catch((error: unknown) => {
          if (error instanceof ControlError) throw error;
          throw new ControlError('not_stored', `${job} cannot be asked: ${(error as Error).message}`, { cause: error });
        });
        return one(job);
      });
    },
  };
}
