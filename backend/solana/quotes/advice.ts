// How exposed a trade is to being sandwiched, from its quote. Pure. A sandwich takes at most what the slippage allows and pays only
// where the trade moves the price.
import type { Quote } from './dex.ts';

const IMPACT_MEDIUM = 0.001;
const IMPACT_HIGH = 0.01;
const SLIPPAGE_MEDIUM_BPS = 100;
const SLIPPAGE_HIGH_BPS = 300;
const BPS = 10_000n;

export type MevAdvice = {
  readonly risk: 'low' | 'medium' | 'high' | 'unknown';
  readonly price_impact: string;
  readonly slippage_bps: number;
  /** What a sandwich could take at most, in the smallest unit of what comes out. */
  readonly loss_max: string;
  readonly use_bundle: boolean;
  readonly advice: readonly string[];
};

export function adviseOn({ priceImpactPct, slippageBps, outAmount }: Quote): MevAdvice {
  const impact = Math.abs(Number(priceImpactPct));
  const isHigh = impact >= IMPACT_HIGH || slippageBps >= SLIPPAGE_HIGH_BPS;
  const isMedium = impact >= IMPACT_MEDIUM || slippageBps >= SLIPPAGE_MEDIUM_BPS;
  const risk = !Number.isFinite(impact) ? 'unknown' : isHigh ? 'high' : isMedium ? 'medium' : 'low';
  const advice: string[] = [];
  if (risk !== 'low') advice.push('send it in a bundle with a tip, and to no public node');
  if (slippageBps >= SLIPPAGE_MEDIUM_BPS) advice.push(`allow less slippage than ${slippageBps / 100} %`);
  if (impact >= IMPACT_HIGH) advice.push('split it into smaller trades');
  return {
    risk,
    price_impact: priceImpactPct,
    slippage_bps: slippageBps,
    loss_max: String((BigInt(outAmount) * BigInt(slippageBps)) / BPS),
    use_bundle: risk !== 'low',
    advice,
  };
}
