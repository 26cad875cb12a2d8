// What a rule would do, before it is made: which of the differences found so far it hides.
import { type CompareRule, withRules } from '../../config/compare-rules.ts';
import type { CompareConfig } from '../../config/gateway-schema.ts';
import { judge, type Verdict } from './compare.ts';
import type { DifferenceCount, Sample } from './evidence.ts';
import { AGREEING } from './observation.ts';
import { createReach, hasFilters } from './reach.ts';
import { createRuleBook } from './rules.ts';
import { readKept } from './sample-observation.ts';

export interface RulePreview {
  /**
   * counted: `hidden` and `of` count requests per path and kind, of all that were compared. samples: what the rule does
   * depends on values, so the samples that are kept were judged again, and only they are counted.
   */
  readonly basis: 'counted' | 'samples';
  readonly hidden: number;
  readonly of: number;
  /** What is hidden, the most frequent first. */
  readonly differences: readonly HiddenDifference[];
  /** Of the samples that differ, how many could be judged again, and how many would then match. */
  readonly samples: { readonly of: number; readonly judged: number; readonly wouldMatch: number };
  /** Sentences for the operator: what to think about before. */
  readonly warnings: readonly string[];
}

export type HiddenDifference = Pick<DifferenceCount, 'path' | 'kind' | 'count' | 'critical'>;

/** What was found on the route until now. */
export interface FoundSoFar {
  readonly differences: readonly DifferenceCount[];
  readonly samples: readonly Sample[];
}

/** What adding `added` to a route's rules would hide. */
export async function previewRule(
  compare: CompareConfig,
  added: CompareRule,
  { differences, samples }: FoundSoFar,
  now: Date,
): Promise<RulePreview> {
  const differing = samples.filter(({ outcome }) => outcome === 'mismatch');
  const judged = await judgeAgain(compare, added, differing, now);
  const wouldMatch = judged.filter(({ after }) => AGREEING.includes(after.outcome)).length;
  const path = added.rule.path ?? '$';
  // An ignore rule for all answers needs no values: the counts of all that was compared tell more than the samples.
  const isCounted = added.kind === 'ignore' && added.rule.status === undefined && !hasFilters(path);
  const found = isCounted ? hiddenOfCounted(differences, path) : hiddenOfSamples(judged);
  const counts = { of: differing.length, judged: judged.length, wouldMatch };
  const critical = criticalWarnings(compare, added, found.differences);
  return {
    basis: isCounted ? 'counted' : 'samples',
    ...found,
    samples: counts,
    warnings: [...critical, ...reachWarnings(added, found, judged), ...filtering(path), ...unjudged(counts)],
  };
}

type Found = Pick<RulePreview, 'hidden' | 'of' | 'differences'>;

interface JudgedAgain {
  readonly before: Verdict;
  readonly after: Verdict;
}

/** Both verdicts on each sample that was kept whole enough. */
async function judgeAgain(
  compare: CompareConfig,
  added: CompareRule,
  samples: readonly Sample[],
  now: Date,
): Promise<JudgedAgain[]> {
  const rulesOf = createRuleBook(() => now);
  const [before, after] = [rulesOf(compare), rulesOf(withRules(compare, [added]))];
  const judged: JudgedAgain[] = [];
  for (const sample of samples) {
    const [legacy, fresh] = [readKept('legacy', sample.legacy), readKept('new', sample.new)];
    if (!legacy || !fresh) continue;
    const pair = { legacy, new: fresh, copied: undefined };
    judged.push({ before: await judge(pair, before), after: await judge(pair, after) });
  }
  return judged;
}

function hiddenOfCounted(differences: readonly DifferenceCount[], path: string): Found {
  const isCovered = createReach([path]);
  const counting = differences.filter(({ rule }) => rule === undefined);
  const hidden = counting.filter((found) => isCovered(found.path));
  return {
    hidden: total(hidden),
    of: total(counting),
    differences: hidden.map(({ path, kind, count, critical }) => ({ path, kind, count, critical })),
  };
}

/** What counts before and not after, each place and kind once a sample. */
function hiddenOfSamples(judged: readonly JudgedAgain[]): Found {
  const hidden = new Map<string, HiddenDifference>();
  let of = 0;
  for (const { before, after } of judged) {
    const left = new Set(counting(after).keys());
    const was = counting(before);
    of += was.size;
    for (const [key, { path, kind, critical }] of was) {
      if (!left.has(key)) hidden.set(key, { path, kind, critical, count: (hidden.get(key)?.count ?? 0) + 1 });
    }
  }
  const differences = [...hidden.values()].sort((a, b) => b.count - a.count);
  return { hidden: total(differences), of, differences };
}

/** Differences that no rule covers, as they are counted. A rule may pair members by a key, which is no other place. */
function counting(verdict: Verdict): Map<string, Verdict['differences'][number]> {
  return new Map(
    unruled(verdict).map((found) => {
      const place = found.path.replaceAll(/\[\?[^\]]*\]/g, '[*]');
      return [`${found.kind} ${found.critical} ${place}`, found];
    }),
  );
}

function unruled({ differences }: Verdict): Verdict['differences'] {
  return differences.filter(({ rule }) => rule === undefined);
}

function total(differences: readonly HiddenDifference[]): number {
  return differences.reduce((sum, { count }) => sum + count, 0);
}

function criticalWarnings(
  { critical }: CompareConfig,
  { kind, rule: { path = '$' } }: CompareRule,
  hidden: readonly HiddenDifference[],
): string[] {
  const found = hidden.filter((each) => each.critical);
  if (found.length > 0) {
    return found.map((each) => `hides critical differences: ${each.path} (${each.kind}) in ${each.count} requests`);
  }
  if (kind !== 'ignore') return []; // Whether it hides anything depends on the values.
  const covered = critical.filter(createReach([path]));
  if (covered.length > 0) {
    return covered.map((each) => `${hasFilters(path) ? 'may cover' : 'covers'} the critical path ${each}`);
  }
  const parts = critical.filter((each) => createReach([each])(path));
  if (parts.length === 0) return [];
  return [`${path} ${parts.every(hasFilters) ? 'may be' : 'is'} part of what is critical`];
}

function reachWarnings({ kind, rule }: CompareRule, { hidden, of }: Found, judged: readonly JudgedAgain[]): string[] {
  const warnings: string[] = [];
  if (kind === 'ignore' && rule.path === '$') warnings.push('covers whole bodies: nothing in them would be compared');
  if (of > 0 && hidden === of) warnings.push('hides everything that differs so far');
  // Of a place with many members it may hide some.
  const hidesSome = judged.some(({ before, after }) => unruled(after).length < unruled(before).length);
  if (hidden === 0 && !hidesSome) warnings.push('hides nothing that was found so far');
  return warnings;
}

function filtering(path: string): string[] {
  return hasFilters(path) ? ['depends on values, by its filter: only the samples that are kept tell what it does'] : [];
}

function unjudged({ of, judged }: RulePreview['samples']): string[] {
  if (judged === of) return [];
  return [`${of - judged} of ${of} samples could not be judged again: their bodies were not kept whole`];
}
