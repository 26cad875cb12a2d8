// Walks a story: does each step, and waits for what the operator's API must say.
import { setTimeout as delay } from 'node:timers/promises';
import { evidenceOf, type Rehearsal, type Told } from './report.ts';
import type { Step } from './story.ts';
import type { World } from './world.ts';

const POLL_MS = 250;

/** Tells the story to its end, or to the first step that fails; never rejects on account of a step. */
export async function rehearse(story: readonly Step[], world: World, say: (line: string) => void): Promise<Rehearsal> {
  const at = new Date().toISOString();
  const startedAtMs = performance.now();
  const steps: Told[] = [];
  for (const step of story) {
    const told = await take(step, world);
    steps.push(told);
    say(`${told.failure === undefined ? 'done' : 'FAILED'}  ${step.what} (${(told.tookMs / 1000).toFixed(1)} s)`);
    if (told.failure !== undefined) break;
  }
  await world.streams.stop();
  const load = await world.load.stop();
  const sums = {
    ...{ load, ordersAtExchange: await world.ordersAtExchange() },
    ...{ streams: world.streams.counts(), auditEntries: await world.operator.auditEntries() },
  };
  return { at, tookMs: performance.now() - startedAtMs, steps, sums };
}

async function take({ phase, what, act, routes, until, limitMs }: Step, world: World): Promise<Told> {
  const startedAtMs = performance.now();
  const look = () => Promise.all(routes.map((id) => world.operator.route(id)));
  const told = (evidence: readonly string[], failure?: string): Told => ({
    ...{ phase, what, tookMs: performance.now() - startedAtMs, evidence },
    ...(failure === undefined ? {} : { failure }),
  });
  try {
    await act?.(world);
    const endsAtMs = performance.now() + limitMs;
    for (;;) {
      const seen = await look();
      const lacks = until(seen);
      const evidence = seen.map(evidenceOf);
      if (lacks === undefined) return told(evidence);
      if (performance.now() > endsAtMs) return told(evidence, lacks);
      await delay(POLL_MS);
    }
  } catch (error) {
    return told([], error instanceof Error ? error.message : String(error));
  }
}
