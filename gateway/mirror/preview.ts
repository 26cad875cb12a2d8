// What a rule would do, before it is made: which of the differences found so far it hides.
import { type PathStep, parseComparePath } from '../../config/compare-path.ts';
import { type CompareRule, parseCompare, withRules } from '../../config/compare-rules.ts';
import type { CompareConfig } from '../../config/gateway-schema.ts';
import type { Side } from '../routing/side.ts';
import { judge, type ObservedPair, type Verdict } from './compare.ts';
import type { DifferenceCount, Sample } from './evidence.ts';
import { AGREEING, type Observation } from './observation.ts';
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
  // An ignore rule for all answers needs no values: the counts of all that was compared tell more than the samples.
  const isCounted = added.kind === 'ignore' && added.rule.status === undefined;
  const found = isCounted ? await hiddenOfCounted(differences, added, now) : hiddenOfSamples(judged);
  const counts = { of: differing.length, judged: judged.length, wouldMatch };
  const critical = await criticalWarnings(compare, added, found.differences, now);
  return {
    basis: isCounted ? 'counted' : 'samples',
    ...found,
    samples: counts,
    warnings: [...critical, ...reachWarnings(added, found), ...unjudged(counts)],
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
  const [before, after] = [compare, withRules(compare, [added])].map((block) =>
    rulesOf({ config: { compare: block } }),
  );
  const judged: JudgedAgain[] = [];
  for (const sample of samples) {
    const [legacy, fresh] = [readKept('legacy', sample.legacy), readKept('new', sample.new)];
    if (!legacy || !fresh || !before || !after) continue;
    const pair = { legacy, new: fresh, copied: undefined };
    judged.push({ before: await judge(pair, before), after: await judge(pair, after) });
  }
  return judged;
}

async function hiddenOfCounted(differences: readonly DifferenceCount[], added: CompareRule, now: Date): Promise<Found> {
  const say = probing(withRules(parseCompare({}), [added]), added, now);
  const counting = differences.filter(({ rule }) => rule === undefined);
  const hidden: DifferenceCount[] = [];
  for (const each of counting) if ((await say(each.path)).ignored) hidden.push(each);
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

/** Differences that no rule covers. A rule may pair members by a key, which is no other place. */
function counting({ differences }: Verdict): Map<string, Verdict['differences'][number]> {
  const unruled = differences.filter(({ rule }) => rule === undefined);
  return new Map(unruled.map((found) => [`${found.kind} ${found.path.replaceAll(/\[\?[^\]]*\]/g, '[*]')}`, found]));
}

function total(differences: readonly HiddenDifference[]): number {
  return differences.reduce((sum, { count }) => sum + count, 0);
}

async function criticalWarnings(
  compare: CompareConfig,
  added: CompareRule,
  hidden: readonly HiddenDifference[],
  now: Date,
): Promise<string[]> {
  const found = hidden.filter(({ critical }) => critical);
  if (found.length > 0) {
    return found.map(({ path, kind, count }) => `hides critical differences: ${path} (${kind}) in ${count} requests`);
  }
  if (added.kind !== 'ignore') return []; // Whether it hides anything depends on the values.
  const { critical } = compare;
  const say = probing(withRules(parseCompare({ critical }), [added]), added, now);
  const covered: string[] = [];
  for (const path of critical) if ((await say(path)).ignored) covered.push(path);
  const { path = '$' } = added.rule;
  if (covered.length === 0 && (await say(path)).critical) return [`${path} is part of what is critical`];
  return covered.map((each) => `covers the critical path ${each}`);
}

function reachWarnings({ kind, rule }: CompareRule, { hidden, of }: Found): string[] {
  const warnings: string[] = [];
  if (kind === 'ignore' && rule.path === '$') warnings.push('covers whole bodies: nothing in them would be compared');
  if (of > 0 && hidden === of) warnings.push('hides everything that differs so far');
  if (hidden === 0) warnings.push('hides nothing that was found so far');
  return warnings;
}

function unjudged({ of, judged }: RulePreview['samples']): string[] {
  if (judged === of) return [];
  return [`${of - judged} of ${of} samples could not be judged again: their bodies were not kept whole`];
}

/** What a `compare` block with one rule says of the places that paths name. */
function probing(block: CompareConfig, { rule }: CompareRule, now: Date): (path: string) => Promise<Said> {
  const rulesOf = createRuleBook(() => now);
  const status = Number(`${rule.status?.[0] ?? 2}00`);
  return async (path) => {
    const pair = differingAt(path, status);
    if (!pair) return { ignored: false, critical: false };
    const headers = pair.legacy.headers.filter((_, index) => index % 2 === 0);
    const { differences } = await judge(pair, rulesOf({ config: { compare: { ...block, headers } } }));
    const [found] = differences;
    return { ignored: found?.rule !== undefined, critical: found?.critical === true };
  };
}

interface Said {
  readonly ignored: boolean;
  readonly critical: boolean;
}

/** Two answers that differ at one place and nowhere else: what comparing makes of them is what the rules say of it. */
function differingAt(text: string, status: number): ObservedPair | undefined {
  const path = parseComparePath(text);
  if (!path) return undefined;
  const observe = (side: Side, value: string): Observation => ({
    side,
    status: path.part === 'status' && value === 'b' ? status + 1 : status,
    headers: path.part === 'header' ? [path.name, value] : ['content-type', 'application/json'],
    body: Buffer.from(path.part === 'body' ? JSON.stringify(documentWith(path.steps, value)) : ''),
    durationMs: 0,
    failure: undefined,
  });
  return { legacy: observe('legacy', 'a'), new: observe('new', 'b'), copied: undefined };
}

function documentWith(steps: readonly PathStep[], value: string): unknown {
  return steps.reduceRight<unknown>((inner, { any, name }) => (any ? [inner] : { [name]: inner }), value);
}
