// The URL is the console's state: what is on the screen can be sent to somebody else, and reloaded.
import { computed, signal } from '@preact/signals';

const href = signal(window.location.href);
const url = computed(() => new URL(href.value));

export const path = computed(() => url.value.pathname);
export const query = computed(() => url.value.searchParams);

window.addEventListener('popstate', () => {
  href.value = window.location.href;
});

/** Goes to a page of the console. */
export function navigate(to: string): void {
  window.history.pushState(null, '', to);
  href.value = window.location.href;
  window.scrollTo(0, 0);
}

/** Changes parts of the query and stays on the page; an empty value takes a part out. */
export function setQuery(parts: Readonly<Record<string, string | undefined>>): void {
  const next = new URL(href.value);
  for (const [name, value] of Object.entries(parts)) {
    if (value) next.searchParams.set(name, value);
    else next.searchParams.delete(name);
  }
  // Replaced, not pushed: each letter of a filter would be a step back otherwise.
  window.history.replaceState(null, '', next);
  href.value = window.location.href;
}

/** Takes over clicks on links of the console, unless the operator wants a new tab. */
export function followLinks(root: HTMLElement): void {
  root.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
    const link = (event.target as Element).closest('a');
    if (!link || link.target || link.origin !== window.location.origin || link.hasAttribute('data-plain')) return;
    event.preventDefault();
    navigate(link.href);
  });
}

export function routePath(id: string): string {
  return `/routes/${encodeURIComponent(id)}`;
}

export function loadRunPath(id: string): string {
  return `/load-runs/${encodeURIComponent(id)}`;
}

export function differencesPath(id: string): string {
  return `${routePath(id)}/differences`;
}
