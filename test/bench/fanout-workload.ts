// What fan-out is measured with: states of a market as the backend tells of them.

/** Symbols told of at a time: on a quiet market, and as ten times a second on a busy one. */
export const FANOUT_BURSTS = [1, 10] as const;

export const fanoutSymbol = (i: number): string => `S${i}USDT`;

export const fanoutNews = (i: number) => ({
  symbol: fanoutSymbol(i),
  price: '65000.12',
  bid: '65000.11',
  bid_quantity: '0.52100000',
  ask: '65000.13',
  ask_quantity: '1.20400000',
  spread: '0.02',
  mid: '65000.12',
  microprice: '65000.1239710144',
  imbalance: '-0.395942',
  vwap_1m: '64998.77213501',
  volume_1m: '12.48120000',
  version: 43_296_363_000 + i,
  changed_at: 1_795_204_328_000,
  timestamp: 1_795_204_328_645,
});
