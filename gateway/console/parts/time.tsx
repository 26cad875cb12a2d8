import type { JSX } from 'preact';
import { formatTime, NOTHING } from '../format.ts';
import { nowMs } from '../live.ts';
import { timeMode } from '../preferences.ts';

/** A moment as the operator wants times; the exact one shows on hover. */
export function Time({ at }: { readonly at: string | null | undefined }): JSX.Element {
  if (!at) return <span>{NOTHING}</span>;
  return (
    <time dateTime={at} title={at}>
      {formatTime(at, timeMode.value, nowMs.value)}
    </time>
  );
}
