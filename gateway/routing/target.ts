// The request target (RFC 9112 section 3.2): forwarded as it came, but matched in a normal form, so that no spelling of
// a path that a backend would treat alike (`%2e%2e`, `/./`, `//`, `tr%61de`) can slip past its route.

/** The origin-form (path and query) of a target, its bytes untouched; undefined for forms that name no path. */
export function originForm(target: string): string | undefined {
  if (target.startsWith('/')) return target;
  const scheme = /^https?:\/\//i.exec(target)?.[0];
  if (!scheme) return undefined; // `*`, or authority-form
  const start = target.slice(scheme.length).search(/[/?#]/);
  if (start < 0) return '/';
  const rest = target.slice(scheme.length + start);
  return rest.startsWith('/') ? rest : `/${rest}`;
}

/**
 * The path by which a target is matched: no query, no fragment (none belongs here, but servers drop it), unreserved
 * characters decoded, dot segments resolved, slashes single.
 */
export function matchingPath(target: string): string | undefined {
  const origin = originForm(target);
  if (origin === undefined) return undefined;
  const end = origin.search(/[?#]/);
  const path = end < 0 ? origin : origin.slice(0, end);
  return MAY_NEED_NORMALISING.test(path) ? normalisePath(path) : path;
}

const MAY_NEED_NORMALISING = /%|\/[./]/;

const UNRESERVED = /[A-Za-z0-9._~-]/;

/** RFC 3986 sections 6.2.2.2 and 5.2.4. An encoded slash stays encoded: it is data, not structure. */
function normalisePath(path: string): string {
  const decoded = path.replace(/%(?:[0-9A-Fa-f]{2})?/g, (encoded) => {
    if (encoded === '%') return '%25'; // Encodes nothing; left alone, it could form an encoding with what follows.
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
  return `/${kept.join('/')}`.replace(/\/{2,}/g, '/');
}
