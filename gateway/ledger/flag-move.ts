// How a move of a route's flags is recorded: once, whichever of several gateways makes it or sees it.

/** Who moves the flags. */
export type MovedBy =
  /** Recorded always. */
  | { readonly kind: 'operator' }
  /**
   * The gateway that leads, since the stored plan wants it. Recorded once for each revision of the plan; fenced when the
   * token is not the last one given, or the plan is at another revision by now.
   */
  | { readonly kind: 'plan'; readonly token: number; readonly revision: number }
  /**
   * Somebody in the flag source itself. Recorded by the first gateway that sees it: `since` is the last move that it knew
   * of, and among those that came later it may be one that is seen late.
   */
  | { readonly kind: 'source'; readonly since: number };

/** How many moves of a route are remembered to tell a late sight of one of them from another move. */
export const MOVES_REMEMBERED = 16;

export interface FlagMove {
  /** How the flags are from now on, as text without a `;`; the same text means the same flags. */
  readonly flags: string;
  readonly by: MovedBy;
}

/**
 * `known`: it was recorded before, and nothing is added. `fenced`: it must not be made, and nothing is stored. The number
 * of a move grows with each, of whatever route.
 */
export type MoveRecord =
  | { readonly kind: 'recorded'; readonly revision: number; readonly move: number }
  | { readonly kind: 'known'; readonly move: number }
  | { readonly kind: 'fenced' };

export interface LastMove {
  readonly move: number;
  /** As FlagMove has them. */
  readonly flags: string;
}
