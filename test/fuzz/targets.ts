// What is fuzzed: everything that reads bytes which somebody else has written.
import { BACKEND_TARGETS } from './backend-targets.ts';
import { COMPARE_TARGETS } from './compare-targets.ts';
import type { FuzzTarget } from './fuzz.ts';
import { openHttpTarget } from './http-target.ts';
import { STREAM_TARGETS } from './stream-targets.ts';
import { TEXT_TARGETS } from './text-targets.ts';

export async function openTargets(): Promise<readonly FuzzTarget[]> {
  return [...TEXT_TARGETS, ...COMPARE_TARGETS, ...STREAM_TARGETS, ...BACKEND_TARGETS, await openHttpTarget()];
}
