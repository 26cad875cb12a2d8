import type { JSX } from 'preact';
import { shortcuts } from '../keys.ts';
import { closeDialog, Dialog, openDialog } from './dialog.tsx';

/** Shows what every key does now. */
export function askHelp(): void {
  const list = new Map(shortcuts().map(({ keys, does }) => [keys, does]));
  openDialog(() => <Help list={[...list]} />);
}

function Help({ list }: { readonly list: readonly (readonly [string, string])[] }): JSX.Element {
  return (
    <Dialog title="Keys">
      <dl class="keys">
        {list.map(([keys, does]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
      <div class="buttons">
        <button type="button" data-focus onClick={closeDialog}>
          Close
        </button>
      </div>
    </Dialog>
  );
}
