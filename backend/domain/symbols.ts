// What a symbol's name says.

/** Quote assets of the exchange's spot market, those first that end in another one's name. */
const QUOTE_ASSETS = ['USDT', 'USDC', 'USDE', 'USD1', 'FDUSD', 'TUSD', 'EUR', 'BTC', 'ETH', 'MX'] as const;

/** The asset that prices of `symbol` are in (BTCUSDT: USDT); a name that ends in none of those known is not taken apart. */
export function quoteAssetOf(symbol: string): string {
  return QUOTE_ASSETS.find((asset) => symbol.length > asset.length && symbol.endsWith(asset)) ?? symbol;
}
