// Priority fees: what recent transactions paid, kept within the bounds of each level. Pure.

export const LEVELS = {
  low: { percentile: 25, minLamports: 10_000n, maxLamports: 50_000n, confirmationMs: 2000 },
  medium: { percentile: 50, minLamports: 50_000n, maxLamports: 100_000n, confirmationMs: 1000 },
  high: { percentile: 75, minLamports: 100_000n, maxLamports: 1_000_000n, confirmationMs: 500 },
  very_high: { percentile: 95, minLamports: 1_000_000n, maxLamports: 10_000_000n, confirmationMs: 200 },
} as const;
export type Level = keyof typeof LEVELS;
export const LEVEL_NAMES = ['low', 'medium', 'high', 'very_high'] as const satisfies readonly Level[];

export const COMPUTE_UNITS_USUAL = 200_000;
export const COMPUTE_UNITS_MAX = 1_400_000;
const BASE_FEE_LAMPORTS = 5000n;
const LAMPORTS_PER_SOL = 1_000_000_000n;
const MICRO = 1_000_000n;

/** The value that `percentile` per cent of `values` do not exceed (nearest rank); 0 when there are none. */
export function percentileOf(values: readonly bigint[], percentile: number): bigint {
  const sorted = [...values].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  return sorted[Math.max(0, Math.ceil((percentile / 100) * sorted.length) - 1)] ?? 0n;
}

/** The least level, but not below `wanted`, that confirms within `maxWaitMs`; the highest when none does. */
export function levelFor(wanted: Level, maxWaitMs: number | undefined): Level {
  const from = LEVEL_NAMES.indexOf(wanted);
  const able = LEVEL_NAMES.slice(from).find(
    (name) => maxWaitMs === undefined || LEVELS[name].confirmationMs <= maxWaitMs,
  );
  return able ?? 'very_high';
}

/** Lamports as a decimal text of SOL, without zeros at its end. */
export function solOf(lamports: bigint): string {
  const fraction = String(lamports % LAMPORTS_PER_SOL)
    .padStart(9, '0')
    .replace(/0+$/, '');
  return `${lamports / LAMPORTS_PER_SOL}${fraction === '' ? '' : `.${fraction}`}`;
}

/** `paid` are recent fees in micro-lamports a compute unit. The fee is rounded up, as the runtime does. */
export function estimateFee(paid: readonly bigint[], level: Level, computeUnits: number) {
  const { percentile, minLamports, maxLamports, confirmationMs } = LEVELS[level];
  const market = (percentileOf(paid, percentile) * BigInt(computeUnits) + MICRO - 1n) / MICRO;
  const priority = market < minLamports ? minLamports : market > maxLamports ? maxLamports : market;
  const total = BASE_FEE_LAMPORTS + priority;
  return {
    priority_fee_lamports: Number(priority),
    compute_units: computeUnits,
    total_fee_lamports: Number(total),
    total_fee_sol: solOf(total),
    level,
    estimated_confirmation_time_ms: confirmationMs,
  };
}
