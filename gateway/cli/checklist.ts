// What is still to be done before legacy can be switched off, from the live system: a list in Markdown, to be pasted where
// a migration is followed.
import { z } from 'zod';
import type { Result } from './answer.ts';
import type { ApiClient } from './client.ts';
import { EXIT } from './exit.ts';
import { percent, type RouteView, routeSchema } from './render.ts';

export interface ChecklistOptions {
  /** The least lower bound of parity, and the least coverage: shares. */
  readonly parity: number;
  readonly coverage: number;
}

/** One thing about one route. */
interface Item {
  readonly isDone: boolean;
  readonly sentence: string;
}

/** Exit code 6 while anything is open. */
export async function checklist(api: ApiClient, options: ChecklistOptions): Promise<Result> {
  const { body } = await api.get('/api/routes');
  const { routes } = z.looseObject({ routes: z.array(routeSchema) }).parse(body);
  const listed = routes.map((route) => ({ route: route.id, stage: route.stage, items: itemsOf(route, options) }));
  const isDone = listed.every(({ items }) => items.every((item) => item.isDone));
  const text = listed.map(({ route, stage, items }) => {
    const lines = items.map((item) => `- [${item.isDone ? 'x' : ' '}] ${item.sentence}`);
    return [`### ${route} (${stage})`, '', ...lines].join('\n');
  });
  return { json: { done: isDone, routes: listed }, text: text.join('\n\n'), code: isDone ? EXIT.ok : EXIT.gateNotMet };
}

/** Pure. In `complete` nothing is compared any more: what was, is in the audit log beside the move. */
export function itemsOf(route: RouteView, { parity, coverage }: ChecklistOptions): Item[] {
  const { stage, override, writesLegacyLacks, attention } = route;
  const seen =
    route.comparison.eligible === 0 && route.comparison.streams ? route.comparison.streams : route.comparison;
  const compared = [
    {
      isDone: (seen.parityLowerBound ?? 0) >= parity,
      sentence: `parity is at least ${percent(parity)}: ${percent(seen.parity)}, at least ${percent(seen.parityLowerBound)} with 95 % confidence`,
    },
    {
      isDone: (seen.coverage ?? 0) >= coverage,
      sentence: `coverage is at least ${percent(coverage, 1)}: ${percent(seen.coverage, 1)}`,
    },
  ];
  return [
    ...(stage === 'complete' ? [] : compared),
    { isDone: attention.length === 0, sentence: attention[0]?.sentence ?? 'nothing needs attention' },
    {
      isDone: override === null,
      sentence: override ? `forced to ${override.side}: ${override.reason}` : 'no override',
    },
    {
      isDone: writesLegacyLacks.count === 0 || stage === 'complete',
      sentence: `legacy lacks ${writesLegacyLacks.count} writes: what going back would lose`,
    },
    { isDone: stage === 'complete', sentence: 'new serves everybody and nothing is copied to legacy' },
  ];
}
