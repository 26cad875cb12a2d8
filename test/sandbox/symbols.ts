/** One simulated market. Precisions are decimal places; amounts are plain decimals. */
export interface SimulatedSymbol {
  readonly symbol: string;
  readonly fullName: string;
  readonly baseAsset: string;
  /** The price until somebody changes it: static, so that two readers a moment apart see the same. */
  readonly price: string;
  readonly pricePlaces: number;
  readonly quantityPlaces: number;
  readonly quantityMin: string;
}

export const QUOTE_ASSET = 'USDT';
/** The taker fee of every simulated market (what hummingbot assumes for this exchange). */
export const TAKER_FEE = '0.0005';
/** The least order value in the quote asset. */
export const NOTIONAL_MIN = '1';
export const NOTIONAL_MAX = '4000000';

/** The only table of markets and prices; every stand-in reads it. */
export const SYMBOLS: readonly SimulatedSymbol[] = [
  market('BTC', 'Bitcoin', { price: '65000.25', pricePlaces: 2, quantityPlaces: 6, quantityMin: '0.000001' }),
  market('ETH', 'Ethereum', { price: '3400.5', pricePlaces: 2, quantityPlaces: 5, quantityMin: '0.00001' }),
  market('SOL', 'Solana', { price: '150.75', pricePlaces: 2, quantityPlaces: 3, quantityMin: '0.001' }),
  market('MX', 'MX Token', { price: '2.3456', pricePlaces: 4, quantityPlaces: 2, quantityMin: '0.01' }),
  market('DOGE', 'Dogecoin', { price: '0.12345', pricePlaces: 5, quantityPlaces: 1, quantityMin: '0.1' }),
  market('XRP', 'XRP', { price: '0.5234', pricePlaces: 4, quantityPlaces: 1, quantityMin: '0.1' }),
];

const bySymbol = new Map(SYMBOLS.map((entry) => [entry.symbol, entry]));

/** The market called `symbol` (upper case), if it is simulated. */
export function symbolOf(symbol: string): SimulatedSymbol | undefined {
  return bySymbol.get(symbol);
}

function market(
  baseAsset: string,
  fullName: string,
  rules: Pick<SimulatedSymbol, 'price' | 'pricePlaces' | 'quantityPlaces' | 'quantityMin'>,
): SimulatedSymbol {
  return { symbol: baseAsset + QUOTE_ASSET, fullName, baseAsset, ...rules };
}
