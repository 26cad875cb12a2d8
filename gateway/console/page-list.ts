/** A page that the header leads to. */
export interface Page {
  readonly path: string;
  readonly name: string;
  /** The keys that lead there. */
  readonly keys: string;
}

export const PAGES: readonly Page[] = [
  { path: '/', name: 'Routes', keys: 'g r' },
  { path: '/rules', name: 'Rules', keys: 'g u' },
  { path: '/jobs', name: 'Data jobs', keys: 'g j' },
  { path: '/load-runs', name: 'Load runs', keys: 'g l' },
  { path: '/audit', name: 'Audit', keys: 'g a' },
  { path: '/instances', name: 'Instances', keys: 'g i' },
];
