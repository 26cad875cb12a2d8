// The port to a relay: a service that hands transactions to the leader of the slot, for a tip.

/** What came of handing transactions to a relay. None of it says whether they land: only the chain does. */
export type Handed =
  /** `receipt`: what the relay calls it, a bundle's id or a uuid. */
  | { readonly kind: 'taken'; readonly receipt: string | null }
  /** The relay says no. */
  | { readonly kind: 'refused'; readonly detail: string }
  /** No clear answer: it may have them. */
  | { readonly kind: 'unclear'; readonly detail: string }
  /** Its limit, or ours of it, left no room: it has not got them. */
  | { readonly kind: 'not_sent'; readonly detail: string };

/** What a relay says of a bundle. 'unknown': it does not know, or was not asked since its limit leaves no room. */
export type BundleStatus = 'pending' | 'landed' | 'failed' | 'unknown';

/** A relay recognises a tip to its own wallets only, so a transaction for several relays carries a tip for each. */
export type Tip = { readonly lamportsMin: bigint; readonly accounts: readonly string[] };

export type Relay = {
  readonly name: string;
  readonly tip: Tip;
  /** Transactions that one bundle may have. */
  readonly bundleMax: number;
  /** Hands over signed transactions, base64, several of them as one atomic bundle. Never rejects. */
  readonly hand: (transactions: readonly string[]) => Promise<Handed>;
  /** What became of bundles, by receipt, in their order. Undefined: the relay does not say. Never rejects. */
  readonly statuses?: (receipts: readonly string[]) => Promise<readonly BundleStatus[]>;
  readonly close: () => Promise<void>;
};
