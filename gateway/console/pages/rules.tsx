// Every exception in comparing: what it equates, why, who answers for it, until when.
import type { JSX } from 'preact';
import type { ListedRule, RuleList } from '../answers.ts';
import { write } from '../api.ts';
import { formatCount, NOTHING } from '../format.ts';
import { useLive } from '../live.ts';
import { query, routePath } from '../location.ts';
import { ChangeForm } from '../parts/change-form.tsx';
import { openDialog } from '../parts/dialog.tsx';
import { FilterBar } from '../parts/filter-bar.tsx';
import { Loading } from '../parts/loading.tsx';
import { mayOperate } from '../session.ts';
import { compileFilter } from '../table-filter.ts';

export function RulesPage(): JSX.Element {
  const live = useLive<RuleList>('/api/rules');
  const { etag = '*' } = live.value;
  return (
    <>
      <header class="page-head">
        <h1>Rules for comparing</h1>
      </header>
      <Loading live={live.value}>{({ rules }) => <Rules rules={rules} etag={etag} />}</Loading>
    </>
  );
}

interface RulesProps {
  readonly rules: readonly ListedRule[];
  readonly etag: string;
}

function Rules({ rules, etag }: RulesProps): JSX.Element {
  const passes = compileFilter(query.value.get('q') ?? '');
  const shown = rules.filter(({ route, kind, source, state, owner, reason, rule }) =>
    passes({
      texts: [route, String(rule.path ?? ''), reason, owner],
      labels: { route: [route], kind: [kind], source: [source], state: [state], owner: [owner] },
    }),
  );
  return (
    <>
      <FilterBar
        what="rules"
        placeholder="Filter: words route:ID kind:ignore state:expired source:operator"
        shown={shown.length}
        of={rules.length}
      />
      <div class="scroll">
        <table>
          <thead>
            <tr>
              {['Route', 'Rule', 'Reason', 'Owner', 'Ends', 'Covers', 'State'].map((title) => (
                <th key={title} scope="col">
                  {title}
                </th>
              ))}
              <th scope="col">
                <span class="unseen">Actions</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((rule) => (
              <Row key={rule.id} rule={rule} etag={etag} />
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

function Row({ rule, etag }: { readonly rule: ListedRule; readonly etag: string }): JSX.Element {
  const { route, kind, source, reason, owner, expires, permanent, covers, state, createdBy } = rule;
  const { path, ...fields } = rule.rule;
  return (
    <tr class={state === 'active' ? undefined : 'critical'}>
      <td>
        <a href={routePath(route)}>{route}</a>
      </td>
      <td>
        {kind} <code>{String(path ?? '')}</code>{' '}
        {Object.entries(fields).map(([name, value]) => (
          <span key={name} class="tag">
            {name}: {typeof value === 'string' ? value : JSON.stringify(value)}
          </span>
        ))}
      </td>
      <td>{reason}</td>
      <td>
        {owner}
        {createdBy ? <span class="faint"> (made by {createdBy})</span> : null}
      </td>
      <td>{expires ?? (permanent ? <span title={permanent}>never</span> : NOTHING)}</td>
      <td>{covers === null ? NOTHING : formatCount(covers)}</td>
      <td>
        {state.replaceAll('_', ' ')} <span class="faint">{source}</span>
      </td>
      <td class="actions">
        {mayOperate.value && source === 'operator' ? (
          <button type="button" class="quiet" onClick={() => askRemove(rule, etag)}>
            Remove…
          </button>
        ) : null}
      </td>
    </tr>
  );
}

function askRemove({ id, route, kind, rule }: ListedRule, etag: string): void {
  const name = `${kind} ${String(rule.path ?? '')}`;
  openDialog(() => (
    <ChangeForm
      title={`Remove ${name} from ${route}`}
      verb="Remove the rule"
      about={`${name} of ${route} is no longer needed`}
      act={async (reason) => {
        await write(`/api/rules/${encodeURIComponent(id)}`, { method: 'DELETE', body: { reason }, ifMatch: etag });
        return `${name}: removed`;
      }}
    >
      <p>What it covers counts as a difference from now on.</p>
    </ChangeForm>
  ));
}
