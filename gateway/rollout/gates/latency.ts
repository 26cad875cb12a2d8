import type { GateSettings } from '../../../config/plan-schema.ts';
import { Z_95 } from '../../mirror/confidence.ts';
import type { BothServed } from '../facts.ts';
import { slownessOf } from '../slowness.ts';
import { count, type Verdict } from './verdict.ts';

/** Whether the new side's p95 is at most so many times legacy's, of requests that each served. */
export function latencyGate({ legacy, new: fresh }: BothServed, settings: GateSettings['latency']): Verdict {
  const { ratioMax, samplesMin } = settings;
  const [legacySamples, newSamples] = [legacy.durations.total, fresh.durations.total];
  const samples = { legacySamples, newSamples };
  const slowness = slownessOf(legacy.durations, fresh.durations, ratioMax, Z_95);
  if (!slowness || Math.min(legacySamples, newSamples) < samplesMin) {
    const sentence = `legacy served ${count(legacySamples)} and new ${count(newSamples)}, at least ${count(samplesMin)} of each are needed`;
    return { gate: 'latency', status: 'inconclusive', sentence, numbers: samples };
  }
  const { legacyP95Ms, newP95Ms, ratio, isBeyondDoubt } = slowness;
  const found = `new p95 ${newP95Ms.toFixed(1)} ms is ${ratio.toFixed(2)} x legacy's ${legacyP95Ms.toFixed(1)} ms`;
  const numbers = { ...samples, legacyP95Ms, newP95Ms, ratio, ratioMax };
  if (ratio <= ratioMax) return { gate: 'latency', status: 'pass', sentence: found, numbers };
  const most = `${found}, ${ratioMax} x is borne`;
  return isBeyondDoubt
    ? { gate: 'latency', status: 'fail', sentence: most, numbers }
    : { gate: 'latency', status: 'inconclusive', sentence: `${most}; it may be by chance`, numbers };
}
