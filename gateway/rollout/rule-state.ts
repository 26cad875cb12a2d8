// Whether a rule for comparing holds today. Pure.

/** A rule that ends within so many days is announced. */
export const EXPIRES_SOON_DAYS = 7;
const DAY_MS = 86_400_000;

/** `unknown_route`: no route is called so any more. `unreadable`: this release does not know such a rule. */
export const RULE_STATES = ['active', 'expires_soon', 'expired', 'unknown_route', 'unreadable'] as const;
export type RuleState = (typeof RULE_STATES)[number];

/** The day (UTC) as rules write it: YYYY-MM-DD. */
export function dayOf(now: Date): string {
  return now.toISOString().slice(0, 10);
}

/** Whole days after today on which a rule still holds; negative once it has expired. */
export function daysLeft(expires: string, now: Date): number {
  return (Date.parse(expires) - Date.parse(dayOf(now))) / DAY_MS;
}

/** How a rule of a known route stands. */
export function expiryState(expires: string | undefined, now: Date): 'active' | 'expires_soon' | 'expired' {
  if (expires === undefined) return 'active';
  const days = daysLeft(expires, now);
  if (days < 0) return 'expired';
  return days <= EXPIRES_SOON_DAYS ? 'expires_soon' : 'active';
}
