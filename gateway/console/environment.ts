// Which environment this is, where nobody can miss it: a colour, the title, the tab's icon.
const COLOURS: readonly (readonly [pattern: RegExp, colour: string])[] = [
  [/^prod/i, '#b3261e'],
  [/^(stag|pre|uat)/i, '#8a5a00'],
];
const OTHER_COLOUR = '#1f5fa8';

export function environmentColour(environment: string): string {
  return COLOURS.find(([pattern]) => pattern.test(environment))?.[1] ?? OTHER_COLOUR;
}

/** Puts the environment into the tab. */
export function markTab(environment: string, page: string): void {
  document.title = `${environment} · ${page} · Banyan`;
  const initial = environment
    .slice(0, 1)
    .toUpperCase()
    .replace(/[^\p{L}\p{N}]/u, '?');
  const svg =
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">` +
    `<rect width="16" height="16" rx="3" fill="${environmentColour(environment)}"/>` +
    `<text x="8" y="12" font-size="11" font-family="sans-serif" font-weight="700" text-anchor="middle" fill="white">` +
    `${initial}</text></svg>`;
  const link =
    document.querySelector<HTMLLinkElement>('link[rel=icon]') ??
    document.head.appendChild(document.createElement('link'));
  link.rel = 'icon';
  link.href = `data:image/svg+xml,${encodeURIComponent(svg)}`;
}
