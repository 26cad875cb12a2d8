// Going somewhere by typing a part of its name.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { RouteList } from '../answers.ts';
import { useLive } from '../live.ts';
import { navigate, routePath } from '../location.ts';
import { PAGES } from '../page-list.ts';
import { compileFilter } from '../table-filter.ts';
import { closeDialog, Dialog, openDialog } from './dialog.tsx';

const SHOWN_MAX = 12;

export function askWhere(): void {
  openDialog(() => <Palette />);
}

function Palette(): JSX.Element {
  const typed = useSignal('');
  const list = useLive<RouteList>('/api/routes');
  const places = [
    ...PAGES.map(({ path, name }) => ({ path, name })),
    ...(list.value.body?.routes ?? []).map(({ id }) => ({ path: routePath(id), name: id })),
  ];
  const passes = compileFilter(typed.value);
  const found = places.filter(({ name }) => passes({ texts: [name], labels: {} })).slice(0, SHOWN_MAX);
  const go = (path: string | undefined) => {
    if (path === undefined) return;
    closeDialog();
    navigate(path);
  };
  return (
    <Dialog title="Go to">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          go(found[0]?.path);
        }}
      >
        <input
          data-focus
          aria-label="A route or a page"
          value={typed.value}
          onInput={(event) => (typed.value = event.currentTarget.value)}
        />
        <ul class="places">
          {found.map(({ path, name }) => (
            <li key={path}>
              <button type="button" class="link" onClick={() => go(path)}>
                {name}
              </button>
            </li>
          ))}
        </ul>
      </form>
    </Dialog>
  );
}
