// How numbers and times are written for people. Pure: the same input gives the same text in any browser.

/** How times are shown: as the operator's clock has them, as logs have them, or as an age. */
export const TIME_MODES = ['relative', 'local', 'utc'] as const;
export type TimeMode = (typeof TIME_MODES)[number];

/** What stands where there is nothing to show yet. */
export const NOTHING = '–';

const GROUPED = new Intl.NumberFormat('en-US');

export function formatCount(count: number): string {
  return GROUPED.format(count);
}

/** `512 B`, `4.0 KiB`, `1.5 GiB`. */
export function formatBytes(bytes: number): string {
  let [value, unit] = [bytes, 'B'];
  for (const next of ['KiB', 'MiB', 'GiB', 'TiB']) {
    if (value < 1_024) break;
    [value, unit] = [value / 1_024, next];
  }
  return unit === 'B' ? `${formatCount(value)} B` : `${value.toFixed(1)} ${unit}`;
}

/** Requests a second, with as many places as matter. */
export function formatRate(perSecond: number): string {
  if (perSecond === 0) return '0';
  if (perSecond < 0.1) return '<0.1';
  return perSecond < 100 ? perSecond.toFixed(1) : formatCount(Math.round(perSecond));
}

/** A share in [0, 1] as a percentage; never rounded up to a whole that it is not. */
export function formatShare(share: number | null, places = 2): string {
  if (share === null) return NOTHING;
  if (share === 0 || share === 1) return `${share * 100} %`;
  const unit = 10 ** places;
  const scaled = share * 100 * unit;
  // 99.996 % must not read as 100 %, nor 0.001 % as 0 %.
  const rounded = Math.min(100 * unit - 1, Math.max(1, Math.round(scaled)));
  return `${(rounded / unit).toFixed(places)} %`;
}

export function formatMs(ms: number | undefined | null): string {
  if (ms === undefined || ms === null) return NOTHING;
  if (ms < 10) return ms.toFixed(1);
  return ms < 10_000 ? String(Math.round(ms)) : `${(ms / 1_000).toFixed(1)} s`;
}

/** A length of time in its largest unit, and the next below it from an hour on: `42 s`, `3 min`, `2 h 5 min`, `4 d 1 h`. */
export function formatAge(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1_000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 24) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
  const days = Math.floor(hours / 24);
  return hours % 24 === 0 ? `${days} d` : `${days} d ${hours % 24} h`;
}

const pad = (part: number) => String(part).padStart(2, '0');

/** A moment as the mode wants it. `at` is ISO 8601. */
export function formatTime(at: string, mode: TimeMode, nowMs: number): string {
  const moment = new Date(at);
  if (Number.isNaN(moment.getTime())) return at;
  if (mode === 'utc') return `${moment.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
  if (mode === 'relative') {
    const passedMs = nowMs - moment.getTime();
    return passedMs < 0 ? `in ${formatAge(-passedMs)}` : `${formatAge(passedMs)} ago`;
  }
  const date = `${moment.getFullYear()}-${pad(moment.getMonth() + 1)}-${pad(moment.getDate())}`;
  return `${date} ${pad(moment.getHours())}:${pad(moment.getMinutes())}:${pad(moment.getSeconds())}`;
}

/** A figure and the interval that it lies in. */
interface Estimate {
  readonly value: number;
  readonly low: number | null;
  readonly high: number | null;
}

/** `0.62 (0.58 to 0.66)`; a bound that is not known is `?`. Shares are small ones, so they have more places. */
export function formatEstimate(estimate: Estimate | null, unit: 'x' | 'ms' | 'share'): string {
  if (estimate === null) return NOTHING;
  const { value, low, high } = estimate;
  const text = (bound: number | null) => bound?.toFixed(unit === 'share' ? 5 : 2) ?? '?';
  return low === high && low !== null ? text(value) : `${text(value)} (${text(low)} to ${text(high)})`;
}
