// The request target (RFC 9112 section 3.2): forwarded as it came, but matched in a normal form, so that no spelling of
// a path that a backend would treat alike (`%2e%2e`, `/./`, `tr%61de`) can slip past its route.

/** The origin-form (path and query) of a target, its bytes untouched; undefined for forms that name no path. */
export function originForm(target: string): string | undefined {
  if (target.startsWith('/')) return target;
  const scheme = /^https?:\/\//i.exec(target)?.[0];
  if (!scheme) return undefined; // `*`, or authority-form
  const start = target.slice(scheme.length).search(/[/?]/);
  if (start < 0) return '/';
  const rest = target.slice(scheme.length + start);
  return rest.startsWith('?') ? `/${rest}` : rest;
}

/** The path by which a target is matched: no query, unreserved characters decoded, dot segments resolved. */
export function matchingPath(target: string): string | undefined {
  const origin = originForm(target);
  if (origin === undefined) return undefined;
  const query = origin.indexOf('?');
  const path = query < 0 ? origin : origin.slice(0, query);
  return path.includes('%') || path.includes('/.') ? normalisePath(path) : path;
}

const UNRESERVED = /[A-Za-z0-9._~-]/;

/** RFC 3986 sections 6.2.2.2 and 5.2.4. An encoded slash stays encoded: it is data, not structure. */
function normalisePath(path: string): string {
  const decoded = path.replace(/%[0-9A-Fa-f]{2}/g, (encoded) => {
    const character = String.fromCharCode(Number.parseInt(encoded.slice(1), 16));
    return UNRESERVED.test(character) ? character : encoded.toUpperCase();
  });
  const kept: string[] = [];
  const segments = decoded.split('/').slice(1);
  segments.forEach((segment, index) => {
    const last = index === segments.length - 1;
    if (segment === '..') kept.pop();
    else if (segment !== '.') kept.push(segment);
    if (last && (segment === '.' || segment === '..')) kept.push('');
  });
  return `/${kept.join('/')}`;
}
