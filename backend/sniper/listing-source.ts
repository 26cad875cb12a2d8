// Where listings are heard of, as the rest of the sniper sees it. mexc-site.ts asks the exchange's web site.

/** What the calendar announces. Times are ms since 1970. */
export type Announced = {
  readonly vcoinId: string;
  readonly symbol: string;
  readonly projectName: string;
  readonly firstOpenMs: number;
};

/** What the site's table of symbols says of one: the names and numbers are the site's own, none of them documented. */
export type Signs = {
  readonly symbol: string;
  /** The coin's id, the same as the calendar's. */
  readonly coinId: string | null;
  readonly sts: number;
  readonly st: number;
  readonly tt: number;
  readonly priceScale: number | null;
  readonly quantityScale: number | null;
  readonly contract: string | null;
  readonly opensAtMs: number | null;
};

/** `drifted` counts entries that were not of the shape known, `example` says what was wrong with one of them. */
export type Listed<T> = {
  readonly kind: 'listed';
  readonly entries: readonly T[];
  readonly drifted: number;
  readonly example: string | null;
};

/**
 * blocked: a page in place of data (a firewall's "Access Denied"), or being told to go slower. drift: data of another shape
 * altogether. unreachable: no answer.
 */
export type SourceFailure = { readonly kind: 'blocked' | 'drift' | 'unreachable'; readonly detail: string };

/** Nothing here rejects. */
export type ListingSource = {
  readonly calendar: () => Promise<Listed<Announced> | SourceFailure>;
  readonly symbols: () => Promise<Listed<Signs> | SourceFailure>;
  readonly close: () => Promise<void>;
};
