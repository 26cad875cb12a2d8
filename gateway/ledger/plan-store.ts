// The port to what is kept of plans: one document a route, one for the deployment of the new backend, and who of several
// gateways may move them by itself. What the documents say is not known here; rollout/plan-record.ts and
// rollout/deployment.ts give them their meaning.

/** What stands in the place of a route for the deployment; the scope of its changes too. No route can be called so. */
export const DEPLOYMENT = '#deployment';

export interface StoredPlan {
  readonly route: string;
  /** Grows by one with each change; 1 at first. */
  readonly revision: number;
  readonly document: string;
}

export interface PlanChange {
  readonly route: string;
  readonly document: string;
  /** The revision that the change is based on; 0 when there was none. */
  readonly revision: number;
  /** The token of the gateway that leads; undefined for a change that an operator asked for. */
  readonly token: number | undefined;
}

/** `stale`: somebody else has changed it since. `fenced`: another gateway leads now, or has led since. */
export type PlanPut = 'stored' | 'stale' | 'fenced';

export interface PlanStore {
  /** In the order of the routes' ids. */
  list(): Promise<readonly StoredPlan[]>;
  /** Stores a change, whole, unless it is stale or fenced. Rejects when it cannot be stored. */
  put(change: PlanChange): Promise<PlanPut>;
  /**
   * Makes this holder the one that leads, or lets it go on, for so long; answers its token, or undefined while another
   * leads. A token is larger than all before it, and stays the same while its holder leads without a gap. A holder is a
   * name that no other process has or had.
   */
  lead(holder: string, leaseMs: number): Promise<number | undefined>;
  /** Ends leading at once, so that nobody has to wait for the lease to end. Without effect for one that does not lead. */
  resign(holder: string): Promise<void>;
}
