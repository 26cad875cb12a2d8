// What the two sides disagree on, on one route: the places, how often, how much of it is noise, and samples of it.
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { DifferenceCount, RouteEvidence, SampleList } from '../answers.ts';
import { differenceTree, type TreeNode } from '../difference-tree.ts';
import { formatCount, formatShare, NOTHING } from '../format.ts';
import { type Shortcut, useShortcuts } from '../keys.ts';
import { useLive } from '../live.ts';
import { differencesPath, navigate, query, routePath, setQuery } from '../location.ts';
import { Loading } from '../parts/loading.tsx';
import { askRule } from '../parts/rule-form.tsx';
import { SampleView } from '../parts/sample-view.tsx';
import { Time } from '../parts/time.tsx';
import { mayOperate } from '../session.ts';

const WINDOWS = [
  ['stage', 'this stage'],
  ['10m', 'last 10 minutes'],
  ['1m', 'last minute'],
] as const;

export function DifferencesPage({ id }: { readonly id: string }): JSX.Element {
  const window = query.value.get('window') ?? 'stage';
  const path = `/api/routes/${encodeURIComponent(id)}`;
  const evidence = useLive<RouteEvidence>(`${path}/comparisons?window=${encodeURIComponent(window)}`);
  const samples = useLive<SampleList>(`${path}/samples`);
  const keys = useMemo<Shortcut[]>(() => {
    const back = () => navigate(query.value.has('sample') ? differencesPath(id) : routePath(id));
    return [{ keys: 'Escape', does: 'Back', run: back }];
  }, [id]);
  useShortcuts(keys);
  const sample = query.value.get('sample');
  return (
    <>
      <header class="page-head">
        <div>
          <h1>
            Differences of <a href={routePath(id)}>{id}</a>
          </h1>
        </div>
        <Windows current={window} />
      </header>
      <Loading live={evidence.value}>{(found) => <Found id={id} evidence={found} />}</Loading>
      <Loading live={samples.value}>{(listed) => <Samples {...listed} />}</Loading>
      {sample ? <SampleView key={sample} route={id} n={sample} /> : null}
    </>
  );
}

function Windows({ current }: { readonly current: string }): JSX.Element {
  return (
    <fieldset class="switch">
      <legend class="unseen">Window</legend>
      {WINDOWS.map(([window, text]) => (
        <button
          key={window}
          type="button"
          aria-pressed={window === current}
          onClick={() => setQuery({ window: window === 'stage' ? undefined : window })}
        >
          {text}
        </button>
      ))}
    </fieldset>
  );
}

interface FoundProps {
  readonly id: string;
  readonly evidence: RouteEvidence;
}

function Found({ id, evidence }: FoundProps): JSX.Element {
  const { eligible, coverage, parity, parityLowerBound, outcomes, differences, bracketed } = evidence;
  const isRuled = query.value.get('ruled') === '1';
  const shown = isRuled ? differences : differences.filter(({ rule }) => rule === undefined);
  const hidden = differences.length - shown.length;
  return (
    <section>
      <p role="status">
        <strong>{formatCount(outcomes.mismatch)}</strong> of {formatCount(eligible)} requests differ:{' '}
        {formatShare(parity)} alike (at least {formatShare(parityLowerBound)}), {formatShare(coverage, 1)} compared
        {bracketed.comparable > 0
          ? `; noise is known of ${formatCount(bracketed.comparable)} requests, in ${formatCount(bracketed.comparable - bracketed.agreeing)} of which legacy differed from itself`
          : '; noise is not known yet'}
        .
      </p>
      <label class="choice">
        <input type="checkbox" checked={isRuled} onChange={() => setQuery({ ruled: isRuled ? undefined : '1' })} />
        show what rules cover{hidden > 0 ? ` (${hidden})` : ''}
      </label>
      {shown.length === 0 ? (
        <p class="faint">No differences{hidden > 0 ? ' that no rule covers' : ''}.</p>
      ) : (
        <table class="differences">
          <thead>
            <tr>
              <th scope="col">Place</th>
              <th scope="col">Kind</th>
              <th scope="col">Requests</th>
              <th scope="col" title="Share of the requests in which new is wrong here">
                Share
              </th>
              <th scope="col" title="Requests in which legacy differed from itself here">
                Noise
              </th>
              <th scope="col">
                <span class="unseen">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {differenceTree(shown).map((node) => (
              <Branch key={node.path} id={id} node={node} depth={0} />
            ))}
          </tbody>
        </table>
      )}
    </section>
  );
}

interface BranchProps {
  readonly id: string;
  readonly node: TreeNode;
  readonly depth: number;
}

function Branch({ id, node, depth }: BranchProps): JSX.Element {
  const style = { paddingInlineStart: `${0.5 + depth * 1.25}rem` };
  return (
    <>
      {node.own.length === 0 ? (
        <tr class="branch">
          <th scope="row" style={style} colSpan={6}>
            <code>{node.name}</code>
          </th>
        </tr>
      ) : null}
      {node.own.map((difference) => (
        <Leaf
          key={`${difference.kind} ${difference.critical}`}
          id={id}
          difference={difference}
          name={node.name}
          style={style}
        />
      ))}
      {node.children.map((child) => (
        <Branch key={child.path} id={id} node={child} depth={depth + 1} />
      ))}
    </>
  );
}

interface LeafProps {
  readonly id: string;
  readonly difference: DifferenceCount;
  readonly name: string;
  readonly style: { readonly paddingInlineStart: string };
}

function Leaf({ id, difference, name, style }: LeafProps): JSX.Element {
  const { path, kind, count, share, noise, critical, rule } = difference;
  const isChosen = query.value.get('path') === path;
  return (
    <tr aria-selected={isChosen} class={critical && rule === undefined ? 'critical' : undefined}>
      <th scope="row" style={style}>
        <button type="button" class="link" title={path} onClick={() => setQuery({ path: isChosen ? undefined : path })}>
          <code>{name}</code>
        </button>
        {critical ? <span class="tag bad">critical</span> : null}
        {rule === undefined ? null : <span class="tag">rule {rule}</span>}
      </th>
      <td>{kind}</td>
      <td>{formatCount(count)}</td>
      <td>{formatShare(share)}</td>
      <td>{noise === 0 ? NOTHING : formatCount(noise)}</td>
      <td class="actions">
        {mayOperate.value && rule === undefined ? (
          <button type="button" class="quiet" onClick={() => askRule(id, difference)}>
            Make a rule…
          </button>
        ) : null}
      </td>
    </tr>
  );
}

function Samples({ samples }: SampleList): JSX.Element {
  const path = query.value.get('path');
  const shown = samples.filter(({ differences }) => path === null || differences.some((each) => each.path === path));
  return (
    <section>
      <h2>Samples{path ? <> with {<code>{path}</code>}</> : null}</h2>
      {shown.length === 0 ? <p class="faint">None is kept.</p> : null}
      <ul class="samples">
        {shown.slice(0, 40).map(({ n, at, method, target, outcome, differences }) => (
          <li key={n}>
            <button
              type="button"
              class="link"
              aria-pressed={query.value.get('sample') === String(n)}
              onClick={() => setQuery({ sample: query.value.get('sample') === String(n) ? undefined : String(n) })}
            >
              {method} {target}
            </button>{' '}
            <span class="faint">
              {outcome}, {differences.length} differences, <Time at={at} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}
