// The keyboard: what each key does, in one list that the help sheet shows. Never inside a field, never over a dialog.
import { useEffect } from 'preact/hooks';

export interface Shortcut {
  /** One key, as KeyboardEvent.key has it, or two that are pressed one after the other: `g r`. */
  readonly keys: string;
  readonly does: string;
  readonly run: () => void;
}

/** The second key of a pair must follow within this. */
const PAIR_MS = 1_000;

const bound = new Set<readonly Shortcut[]>();
let first: { readonly key: string; readonly atMs: number } | undefined;

/** All that can be pressed now. */
export function shortcuts(): Shortcut[] {
  return [...bound].flat();
}

/** Binds keys for as long as the component is on the page. */
export function useShortcuts(list: readonly Shortcut[]): void {
  useEffect(() => {
    bound.add(list);
    return () => {
      bound.delete(list);
    };
  }, [list]);
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ['INPUT', 'TEXTAREA', 'SELECT'].includes(target.tagName);
}

/** The palette's, which people know from elsewhere; it works inside of fields too. */
const MOD_K = 'Ctrl+K';

function isModK({ key, ctrlKey, metaKey, altKey }: KeyboardEvent): boolean {
  return key.toLowerCase() === 'k' && ctrlKey !== metaKey && !altKey;
}

document.addEventListener('keydown', (event) => {
  if (isModK(event) && !document.querySelector('dialog[open]')) {
    const palette = shortcuts().find(({ keys }) => keys === MOD_K);
    if (palette) event.preventDefault();
    palette?.run();
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (document.querySelector('dialog[open]')) return;
  // A button or link that has the focus keeps its own keys.
  const isOnControl = event.target instanceof HTMLElement && ['BUTTON', 'A', 'SUMMARY'].includes(event.target.tagName);
  if (isOnControl && (event.key === 'Enter' || event.key === ' ')) return;
  const { key, timeStamp: atMs } = event;
  const pair = first && atMs - first.atMs < PAIR_MS ? `${first.key} ${key}` : undefined;
  const all = shortcuts().reverse();
  const found = all.find(({ keys }) => keys === pair) ?? all.find(({ keys }) => keys === key);
  const begins = !found && all.some(({ keys }) => keys.startsWith(`${key} `));
  first = begins ? { key, atMs } : undefined;
  if (!found) return;
  event.preventDefault();
  found.run();
});
