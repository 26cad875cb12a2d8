// The frame around every page: where one is, whether it is fresh, how to get elsewhere.
import type { JSX } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import type { EventName, SessionAnswer } from './answers.ts';
import { ApiError } from './api.ts';
import { environmentColour, markTab } from './environment.ts';
import { formatAge, TIME_MODES } from './format.ts';
import { type Shortcut, useShortcuts } from './keys.ts';
import { followEvents, INTERVALS_MS, intervalMs, paused, staleMs, trouble } from './live.ts';
import { followLinks, navigate, path } from './location.ts';
import { PAGES } from './page-list.ts';
import { AuditPage } from './pages/audit.tsx';
import { DifferencesPage } from './pages/differences.tsx';
import { InstancesPage } from './pages/instances.tsx';
import { JobsPage } from './pages/jobs.tsx';
import { LoadRunPage } from './pages/load-run.tsx';
import { LoadRunsPage } from './pages/load-runs.tsx';
import { RoutePage } from './pages/route.tsx';
import { RoutesPage } from './pages/routes.tsx';
import { RulesPage } from './pages/rules.tsx';
import { SignIn } from './pages/sign-in.tsx';
import { DialogHost } from './parts/dialog.tsx';
import { askHelp } from './parts/help.tsx';
import { askWhere } from './parts/palette.tsx';
import { Toasts } from './parts/toasts.tsx';
import { nextOf, THEMES, theme, timeMode } from './preferences.ts';
import { loadSession, session, signOut } from './session.ts';

/** What the gateway says that makes the page ask again at once. */
const CHANGES: readonly EventName[] = [
  'route',
  'routes',
  'override',
  'plan',
  'rules',
  'instances',
  'jobs',
  'health',
  'audit',
];
const ASK_AGAIN_MS = 2_000;

export function App(): JSX.Element | null {
  useEffect(() => followLinks(document.body), []);
  useEffect(() => keepAskingWho(), []);
  const known = session.value;
  if (known === undefined) return <Unreachable />;
  return known.caller === null ? (
    <SignIn login={known.login} />
  ) : (
    <Frame who={known.caller} environment={known.environment} />
  );
}

/** Asks who is signed in until there is an answer: the page may have been opened while the gateway was starting. */
function keepAskingWho(): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const ask = () =>
    loadSession().catch((error) => {
      if (!(error instanceof ApiError)) throw error;
      trouble.value = error.message;
      timer = setTimeout(() => void ask(), ASK_AGAIN_MS);
    });
  void ask();
  return () => clearTimeout(timer);
}

/** Nothing was heard of the gateway yet. */
function Unreachable(): JSX.Element | null {
  return trouble.value ? <p class="problem">{trouble.value}</p> : null;
}

interface FrameProps {
  readonly who: NonNullable<SessionAnswer['caller']>;
  readonly environment: string;
}

function Frame({ who, environment }: FrameProps): JSX.Element {
  useEffect(() => followEvents(CHANGES), []);
  const keys = useMemo<Shortcut[]>(
    () => [
      ...PAGES.map((page) => ({ keys: page.keys, does: page.name, run: () => navigate(page.path) })),
      { keys: '?', does: 'This list', run: askHelp },
      { keys: 'Ctrl+K', does: 'Go to a route or page', run: askWhere },
    ],
    [],
  );
  useShortcuts(keys);
  const current = PAGES.find((page) => page.path === path.value);
  useEffect(
    () => markTab(environment, current?.name ?? decodeURIComponent(path.value.split('/')[2] ?? '')),
    [path.value],
  );
  return (
    <>
      <a class="skip" href="#main" data-plain>
        Skip to the content
      </a>
      <Header who={who} environment={environment} />
      <Stale />
      <main id="main">{pageAt(path.value)}</main>
      <DialogHost />
      <Toasts />
    </>
  );
}

function Header({ who, environment }: FrameProps): JSX.Element {
  return (
    <header class="top">
      <a class="brand" href="/">
        Banyan
      </a>
      <span class="environment" style={{ background: environmentColour(environment) }}>
        {environment}
      </span>
      <nav aria-label="Pages">
        {PAGES.map((page) => (
          <a key={page.path} href={page.path} aria-current={isWithin(page.path) ? 'page' : undefined} title={page.keys}>
            {page.name}
          </a>
        ))}
        <a href="/docs" data-plain>
          API
        </a>
      </nav>
      <span class="controls">
        <button type="button" class="quiet" aria-pressed={paused.value} onClick={() => (paused.value = !paused.value)}>
          {paused.value ? 'Paused' : 'Live'}
        </button>
        <button
          type="button"
          class="quiet"
          title="How often numbers are asked for"
          onClick={() => (intervalMs.value = nextOf(INTERVALS_MS, intervalMs.value as (typeof INTERVALS_MS)[number]))}
        >
          every {intervalMs.value / 1_000} s
        </button>
        <button
          type="button"
          class="quiet"
          title="How times are shown"
          onClick={() => (timeMode.value = nextOf(TIME_MODES, timeMode.value))}
        >
          {timeMode.value} times
        </button>
        <button type="button" class="quiet" title="Colours" onClick={() => (theme.value = nextOf(THEMES, theme.value))}>
          {theme.value} colours
        </button>
        <span class="faint">
          {who.name} · {who.role}
        </span>
        <button type="button" class="quiet" onClick={() => void signOut()}>
          Sign out
        </button>
      </span>
    </header>
  );
}

function isWithin(page: string): boolean {
  return page === '/' ? path.value === '/' || path.value.startsWith('/routes') : path.value.startsWith(page);
}

/** Nobody may take old numbers for new ones. */
function Stale(): JSX.Element {
  const ms = staleMs.value;
  return (
    <div role="alert" class="stale-place">
      {ms === undefined ? null : (
        <p class="stale">
          Nothing heard of the gateway for {formatAge(ms)}: what you see is old. {trouble.value ?? ''}
        </p>
      )}
      {paused.value ? <p class="paused">Paused: what you see does not change.</p> : null}
    </div>
  );
}

function pageAt(where: string): JSX.Element {
  const [, section, id, part] = where.split('/').map(decodeURIComponent);
  if (section === '') return <RoutesPage />;
  if (section === 'routes' && id)
    return part === 'differences' ? <DifferencesPage key={id} id={id} /> : <RoutePage key={id} id={id} />;
  if (section === 'rules') return <RulesPage />;
  if (section === 'jobs') return <JobsPage />;
  if (section === 'load-runs') return id ? <LoadRunPage key={id} id={id} /> : <LoadRunsPage />;
  if (section === 'audit') return <AuditPage />;
  if (section === 'instances') return <InstancesPage />;
  return (
    <p>
      There is no such page. <a href="/">The routes</a>
    </p>
  );
}
