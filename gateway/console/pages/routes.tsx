// The first page: is it safe, what is where, what do I press.
import { useComputed, useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { ListedRoute, RouteList, Status } from '../answers.ts';
import { formatCount, formatMs, formatRate, formatShare, NOTHING } from '../format.ts';
import { type Shortcut, useShortcuts } from '../keys.ts';
import { useLive } from '../live.ts';
import { navigate, query, routePath, setQuery } from '../location.ts';
import { HealthBadge, StageBadge } from '../parts/badges.tsx';
import { Loading } from '../parts/loading.tsx';
import { askLift, askRollback, askRollbackAll } from '../parts/rollback.tsx';
import { SortableHead } from '../parts/sortable-head.tsx';
import { Time } from '../parts/time.tsx';
import { mayOperate } from '../session.ts';
import { compileFilter, parseOrder, type SortValue, sortRows } from '../table-filter.ts';
import { HEALTHS, healthOf, needsAttention, overallVerdict, parityText } from '../verdict.ts';

interface Column {
  readonly id: string;
  readonly title: string;
  readonly hint?: string;
  readonly value: (route: ListedRoute) => SortValue;
  readonly cell: (route: ListedRoute) => JSX.Element | string;
}

const both = (legacy: string, fresh: string) => (
  <>
    {legacy} <span class="faint">/</span> {fresh}
  </>
);

const COLUMNS: readonly Column[] = [
  {
    id: 'route',
    title: 'Route',
    value: ({ id }) => id,
    cell: ({ id, match }) => (
      <>
        <a href={routePath(id)}>{id}</a>
        <span class="target">
          {match.methods.join(' ')} {match.path}
        </span>
      </>
    ),
  },
  {
    id: 'stage',
    title: 'Stage',
    value: ({ stage, percent }) => ['legacy', 'shadow', 'canary', 'live', 'complete'].indexOf(stage) * 1_000 + percent,
    cell: (route) => <StageBadge route={route} />,
  },
  {
    id: 'rate',
    title: 'req/s L / N',
    hint: 'Requests a second over the last minute: legacy, new',
    value: ({ traffic }) => traffic.legacy.perSecond + traffic.new.perSecond,
    cell: ({ traffic }) => both(formatRate(traffic.legacy.perSecond), formatRate(traffic.new.perSecond)),
  },
  {
    id: 'errors',
    title: 'errors L / N',
    hint: 'Share of requests that failed in the last minute: legacy, new',
    value: ({ traffic }) => Math.max(traffic.legacy.errorShare ?? 0, traffic.new.errorShare ?? 0),
    cell: ({ traffic }) => both(formatShare(traffic.legacy.errorShare), formatShare(traffic.new.errorShare)),
  },
  {
    id: 'p50',
    title: 'p50 L / N',
    hint: 'Median latency in ms of the last one to two minutes: legacy, new',
    value: ({ traffic }) => traffic.new.latencyMs?.p50 ?? traffic.legacy.latencyMs?.p50 ?? null,
    cell: ({ traffic }) => both(formatMs(traffic.legacy.latencyMs?.p50), formatMs(traffic.new.latencyMs?.p50)),
  },
  {
    id: 'p99',
    title: 'p99 L / N',
    hint: '99th percentile in ms of the last one to two minutes: legacy, new',
    value: ({ traffic }) => traffic.new.latencyMs?.p99 ?? traffic.legacy.latencyMs?.p99 ?? null,
    cell: ({ traffic }) => both(formatMs(traffic.legacy.latencyMs?.p99), formatMs(traffic.new.latencyMs?.p99)),
  },
  {
    id: 'parity',
    title: 'Parity',
    hint: 'Share of the compared answers that are alike, and how many of the eligible requests were compared',
    value: ({ comparison }) => comparison.parity,
    cell: ({ comparison }) => (
      <span title={parityText(comparison)}>
        {formatShare(comparison.parity)}
        {comparison.coverage === null ? '' : <span class="faint"> of {formatShare(comparison.coverage, 0)}</span>}
      </span>
    ),
  },
  {
    id: 'mismatches',
    title: 'Differ',
    hint: 'Requests whose answers differ, after the rules',
    value: ({ comparison }) => comparison.outcomes.mismatch,
    cell: ({ comparison }) => (comparison.eligible === 0 ? NOTHING : formatCount(comparison.outcomes.mismatch)),
  },
  {
    id: 'flip',
    title: 'Last flip',
    hint: 'Who last moved who serves the route, and when',
    value: ({ lastFlip }) => lastFlip?.at ?? null,
    cell: ({ lastFlip }) =>
      lastFlip ? (
        <>
          {lastFlip.actor} <Time at={lastFlip.at} />
        </>
      ) : (
        NOTHING
      ),
  },
  {
    id: 'health',
    title: 'Health',
    value: (route) => HEALTHS.length - HEALTHS.indexOf(healthOf(route)),
    cell: (route) => <HealthBadge health={healthOf(route)} />,
  },
];

const BY_ROUTE = { column: 'route', descending: false };

function rowsOf(routes: readonly ListedRoute[], parts: URLSearchParams): ListedRoute[] {
  const passes = compileFilter(parts.get('q') ?? '');
  const found = routes.filter((route) => {
    if (parts.get('attention') === '1' && healthOf(route) !== 'degraded' && !needsAttention(route)) return false;
    const { id, match, stage, group } = route;
    const labels = { stage: [stage], group: [group ?? ''], method: match.methods, health: [healthOf(route)], id: [id] };
    return passes({ texts: [id, match.path], labels });
  });
  const order = parseOrder(parts.get('sort'), BY_ROUTE);
  const column = COLUMNS.find(({ id }) => id === order.column);
  return column ? sortRows(found, column.value, order.descending) : found;
}

export function RoutesPage(): JSX.Element {
  const list = useLive<RouteList>('/api/routes');
  return <Loading live={list.value}>{({ routes }) => <Routes routes={routes} />}</Loading>;
}

function Routes({ routes }: { readonly routes: readonly ListedRoute[] }): JSX.Element {
  const status = useLive<Status>('/api/status');
  const rows = rowsOf(routes, query.value);
  const dense = query.value.get('density') === 'compact';
  return (
    <>
      <Strip routes={routes} status={status.value.body} />
      <Toolbar shown={rows.length} of={routes.length} dense={dense} />
      <Table rows={rows} dense={dense} />
    </>
  );
}

interface StripProps {
  readonly routes: readonly ListedRoute[];
  readonly status: Status | undefined;
}

function Strip({ routes, status }: StripProps): JSX.Element {
  const forced = status?.override ?? null;
  const warnings = status?.warnings ?? [];
  const verdict = overallVerdict(routes, warnings, forced !== null);
  return (
    <section class={`strip ${verdict.tone}`} aria-label="Verdict">
      <div>
        <h1 aria-live="polite">{verdict.text}</h1>
        {forced ? <p>{`${forced.actor}: ${forced.reason}`}</p> : null}
        {warnings.length > 0 ? (
          <ul>
            {warnings.map((text) => (
              <li key={text}>{text}</li>
            ))}
          </ul>
        ) : null}
      </div>
      <Stages routes={routes} />
      {mayOperate.value ? (
        <div class="buttons">
          {forced ? (
            <button
              type="button"
              onClick={() => askLift('every route', '/api/rollback', '*', 'Every route returns to what its flags say.')}
            >
              Lift
            </button>
          ) : (
            <button type="button" class="danger" onClick={() => askRollbackAll(routes)}>
              Roll back all
            </button>
          )}
        </div>
      ) : null}
    </section>
  );
}

function Stages({ routes }: { readonly routes: readonly ListedRoute[] }): JSX.Element {
  const counts = new Map<string, number>();
  for (const { stage } of routes) counts.set(stage, (counts.get(stage) ?? 0) + 1);
  return (
    <dl class="stages">
      {['legacy', 'shadow', 'canary', 'live', 'complete'].map((stage) => (
        <div key={stage}>
          <dt>{stage}</dt>
          <dd>{counts.get(stage) ?? 0}</dd>
        </div>
      ))}
    </dl>
  );
}

interface ToolbarProps {
  readonly shown: number;
  readonly of: number;
  readonly dense: boolean;
}

function Toolbar({ shown, of, dense }: ToolbarProps): JSX.Element {
  const input = useRef<HTMLInputElement>(null);
  const keys = useMemo<Shortcut[]>(() => [{ keys: '/', does: 'Filter', run: () => input.current?.focus() }], []);
  useShortcuts(keys);
  const attention = query.value.get('attention') === '1';
  return (
    <search class="toolbar">
      <input
        ref={input}
        type="search"
        aria-label="Filter routes"
        placeholder='Filter: words !not "exact" stage:canary group:trade'
        value={query.value.get('q') ?? ''}
        onInput={(event) => setQuery({ q: event.currentTarget.value })}
        onKeyDown={(event) => event.key === 'Escape' && event.currentTarget.blur()}
      />
      <button
        type="button"
        aria-pressed={attention}
        onClick={() => setQuery({ attention: attention ? undefined : '1' })}
      >
        Needs attention
      </button>
      <button type="button" aria-pressed={dense} onClick={() => setQuery({ density: dense ? undefined : 'compact' })}>
        Compact
      </button>
      <span class="faint" role="status">
        {shown === of ? `${of} routes` : `${shown} of ${of} routes`}
      </span>
    </search>
  );
}

interface TableProps {
  readonly rows: readonly ListedRoute[];
  readonly dense: boolean;
}

function Table({ rows, dense }: TableProps): JSX.Element {
  const selected = useSignal<string | undefined>(undefined);
  const current = useComputed(() => selected.value);
  const latest = useRef(rows);
  latest.current = rows;
  const keys = useMemo(() => rowKeys(() => latest.current, selected), [selected]);
  useShortcuts(keys);
  const order = parseOrder(query.value.get('sort'), BY_ROUTE);
  return (
    <div class="scroll">
      <table class={dense ? 'dense routes' : 'routes'}>
        <thead>
          <tr>
            {COLUMNS.map((column) => (
              <SortableHead key={column.id} column={column} order={order} />
            ))}
            <th scope="col">
              <span class="unseen">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.map((route) => (
            <Row key={route.id} route={route} selected={current.value === route.id} />
          ))}
        </tbody>
      </table>
      {rows.length === 0 ? <p class="faint">No route passes the filter.</p> : null}
    </div>
  );
}

function Row({ route, selected }: { readonly route: ListedRoute; readonly selected: boolean }): JSX.Element {
  const ref = useRef<HTMLTableRowElement>(null);
  useEffect(() => {
    if (selected) ref.current?.scrollIntoView({ block: 'nearest' });
  }, [selected]);
  return (
    <tr ref={ref} aria-selected={selected} data-route={route.id}>
      {COLUMNS.map(({ id, cell }) => (
        <td key={id} class={id}>
          {cell(route)}
          {id === 'route' && route.attention.length > 0 ? (
            <span class="attention" title={route.attention.map(({ sentence }) => sentence).join('\n')}>
              {route.attention[0]?.sentence}
              {route.attention.length > 1 ? ` (+${route.attention.length - 1})` : ''}
            </span>
          ) : null}
        </td>
      ))}
      <td class="actions">
        {mayOperate.value && !route.override ? (
          <button type="button" class="quiet danger" onClick={() => askRollback(route)}>
            Roll back
          </button>
        ) : null}
      </td>
    </tr>
  );
}

function rowKeys(rows: () => readonly ListedRoute[], selected: { value: string | undefined }): Shortcut[] {
  const move = (step: 1 | -1) => () => {
    const at = rows().findIndex(({ id }) => id === selected.value);
    const next = at < 0 ? 0 : Math.min(rows().length - 1, Math.max(0, at + step));
    selected.value = rows()[next]?.id;
  };
  const withSelected = (act: (id: string) => void) => () => {
    if (selected.value !== undefined) act(selected.value);
  };
  const open = withSelected((id) => navigate(routePath(id)));
  const rollback = withSelected((id) => {
    const route = rows().find((each) => each.id === id);
    if (mayOperate.value && route && !route.override) askRollback(route);
  });
  return [
    { keys: 'j', does: 'Next route', run: move(1) },
    { keys: 'ArrowDown', does: 'Next route', run: move(1) },
    { keys: 'k', does: 'Previous route', run: move(-1) },
    { keys: 'ArrowUp', does: 'Previous route', run: move(-1) },
    { keys: 'Enter', does: 'Open the route', run: open },
    { keys: 'R', does: 'Roll the route back', run: rollback },
    { keys: 'r', does: 'Roll the route back', run: rollback },
  ];
}
