// Who changed what, when, why, on what numbers.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { AuditEntry, AuditLog } from '../answers.ts';
import { ApiError, read } from '../api.ts';
import { useLive } from '../live.ts';
import { query, routePath } from '../location.ts';
import { FilterBar } from '../parts/filter-bar.tsx';
import { Loading } from '../parts/loading.tsx';
import { Time } from '../parts/time.tsx';
import { compileFilter } from '../table-filter.ts';
import { say } from '../toast.ts';

const PAGE = 100;

export function AuditPage(): JSX.Element {
  const route = query.value.get('route');
  const scope = route ? `&route=${encodeURIComponent(route)}` : '';
  const live = useLive<AuditLog>(`/api/audit?limit=${PAGE}${scope}`);
  return (
    <>
      <header class="page-head">
        <h1>Audit{route ? ` of ${route}` : ''}</h1>
        <p class="buttons">
          {['csv', 'json'].map((format) => (
            <a key={format} class="button" href={`/api/audit?format=${format}`} download data-plain>
              Export {format.toUpperCase()}
            </a>
          ))}
        </p>
      </header>
      <Loading live={live.value}>{({ entries }) => <Entries newest={entries} scope={scope} />}</Loading>
    </>
  );
}

interface EntriesProps {
  readonly newest: readonly AuditEntry[];
  readonly scope: string;
}

function Entries({ newest, scope }: EntriesProps): JSX.Element {
  const older = useSignal<readonly AuditEntry[]>([]);
  const ended = useSignal(false);
  const first = newest.at(-1)?.id ?? 0;
  const all = [...newest, ...older.value.filter(({ id }) => id < first)];
  const passes = compileFilter(query.value.get('q') ?? '');
  const shown = all.filter(({ actor, action, source, scope: of, reason }) =>
    passes({
      texts: [actor, action, of, reason],
      labels: { actor: [actor], action: [action], source: [source], route: [of] },
    }),
  );
  const days = Map.groupBy(shown, ({ at }) => at.slice(0, 10));

  async function more(): Promise<void> {
    try {
      const before = all.at(-1)?.id ?? 1;
      const { body } = await read<AuditLog>(`/api/audit?limit=${PAGE}${scope}&before=${before}`);
      older.value = [...older.value, ...body.entries];
      ended.value = body.entries.length < PAGE;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      say(error.message, 'bad');
    }
  }

  return (
    <>
      <FilterBar
        what="entries"
        placeholder="Filter: words actor:NAME action:rollback source:guard route:ID"
        shown={shown.length}
        of={all.length}
      />
      {[...days].map(([day, entries]) => (
        <section key={day}>
          <h2>{day}</h2>
          <ol class="timeline">
            {entries.map((entry) => (
              <Entry key={entry.id} entry={entry} />
            ))}
          </ol>
        </section>
      ))}
      {newest.length === PAGE && !ended.value ? (
        <button type="button" onClick={() => void more()}>
          Older entries
        </button>
      ) : null}
    </>
  );
}

function Entry({ entry }: { readonly entry: AuditEntry }): JSX.Element {
  const { actor, action, source, scope, reason, requestId, at, before, after, evidence } = entry;
  const isRoute = scope !== '*' && !scope.startsWith('#');
  return (
    <li class={`entry ${action}`}>
      <p>
        <strong>{action.replaceAll('_', ' ')}</strong>{' '}
        {isRoute ? <a href={routePath(scope)}>{scope}</a> : scope === '*' ? 'every route' : scope}{' '}
        <span class="change">{changeText(before, after)}</span>
      </p>
      <p>
        {reason}{' '}
        <span class="faint">
          — {actor}, by {source},{' '}
        </span>
        <Time at={at} />
      </p>
      <details>
        <summary>Numbers it was based on</summary>
        <p class="faint">
          entry {entry.id}
          {requestId ? `, request ${requestId}` : ''}
        </p>
        <pre>{JSON.stringify({ before, after, evidence }, null, 2)}</pre>
      </details>
    </li>
  );
}

/** A move of flags in short; anything else is told by the details. */
function changeText(before: unknown, after: unknown): string {
  const from = percentsOf(before);
  const to = percentsOf(after);
  if (!from || !to) return '';
  const parts = [
    ...(from.percent === to.percent ? [] : [`new ${from.percent} % → ${to.percent} %`]),
    ...(from.mirrorPercent === to.mirrorPercent ? [] : [`copies ${from.mirrorPercent} % → ${to.mirrorPercent} %`]),
  ];
  return parts.join(', ');
}

function percentsOf(value: unknown): { percent: number; mirrorPercent: number } | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { percent, mirrorPercent } = value as Record<string, unknown>;
  return typeof percent === 'number' && typeof mirrorPercent === 'number' ? { percent, mirrorPercent } : undefined;
}
