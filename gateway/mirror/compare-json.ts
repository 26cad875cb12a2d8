// Compares two JSON documents as keyed structures and names every difference by its place and kind. Pure.
import { canonicalText } from './canonical-text.ts';
import { type Difference, type DifferenceKind, Findings, pointerToken } from './difference.ts';
import type { Json, JsonObject } from './json.ts';
import { type Group, groupByKey, isInOrder, type Pair } from './keyed.ts';
import { compareLeaves, isSameLeaf, preview } from './leaf.ts';
import { matchByText, matchUp, type Pairing, TooMuchWork } from './pairing.ts';
import type { Spot } from './spot.ts';

/** Values looked at for two documents; those of the largest bodies that are kept take a part of it. */
export const WORK_MAX = 20_000_000;
/** Whether two values agree is remembered where finding out took more looks than this: lists in lists ask again at each level. */
const REMEMBERED_WORK_MIN = 64;
/** Of a list whose order matters, only so many differing members are paired within tolerances, to see if they only moved. */
const MOVED_FUZZY_MAX = 50;

/**
 * The differences between the two documents, at most DIFFERENCES_MAX of each weight. Equal documents have none.
 * @throws {TooMuchWork} when an array without order is too large to be paired under tolerances, or `workMax` is reached.
 */
export function compareJson(legacy: Json, fresh: Json, root: Spot, workMax = WORK_MAX): readonly Difference[] {
  const findings = new Findings();
  const collect: Sink = ({ kind, spot, legacy: left, fresh: right }, trail) => {
    findings.add({
      ...{ path: spot.path, kind, rules: spot.rules, at: () => trail.map(pointerToken).join('') },
      legacy: left === undefined ? undefined : () => preview(left),
      new: right === undefined ? undefined : () => preview(right),
    });
    return true;
  };
  new Walk(collect, { left: workMax, answers: new Map() }, false).values(legacy, fresh, root);
  return findings.found;
}

type Agreement = 'same' | 'ignored' | 'different';

/** Whether two values differ nowhere, only where rules ignore it, or elsewhere. */
function agreement(legacy: Json, fresh: Json, at: Spot, work: Work): Agreement {
  const known = work.answers.get(legacy)?.get(fresh);
  if (known !== undefined) return known;
  const leftBefore = work.left;
  const walk = new Walk(({ spot }) => spot.rules.ignored !== undefined, work, true);
  const agrees = walk.values(legacy, fresh, at);
  const answer = !agrees ? 'different' : walk.sawIgnored ? 'ignored' : 'same';
  if (leftBefore - work.left >= REMEMBERED_WORK_MIN) {
    const answers = work.answers.get(legacy) ?? new Map<Json, Agreement>();
    work.answers.set(legacy, answers.set(fresh, answer));
  }
  return answer;
}

/** What comparing two documents has taken, and found out, so far. */
interface Work {
  /** Values that may still be looked at. */
  left: number;
  /** Of pairs of lists or objects, each of which stands in one place only. */
  readonly answers: Map<Json, Map<Json, Agreement>>;
}

interface Found {
  readonly kind: DifferenceKind;
  readonly spot: Spot;
  readonly legacy: Json | undefined;
  readonly fresh: Json | undefined;
}

/** Takes a difference, and the names and indices that lead to it; false ends the walk. */
type Sink = (found: Found, trail: readonly (string | number)[]) => boolean;

/** Goes through two documents at once. Every method answers whether the sink lets it go on. */
class Walk {
  readonly work: Work;
  /** It only asks whether the documents agree, and ends where they do not. */
  readonly isProbe: boolean;
  sawIgnored = false;
  readonly #sink: Sink;
  readonly #trail: (string | number)[] = [];

  constructor(sink: Sink, work: Work, isProbe: boolean) {
    this.#sink = sink;
    this.work = work;
    this.isProbe = isProbe;
  }

  values(legacy: Json, fresh: Json, at: Spot): boolean {
    if (--this.work.left < 0) throw new TooMuchWork('the documents take too long to compare');
    if (isSameLeaf(legacy, fresh)) return true;
    if (legacy instanceof Map && fresh instanceof Map) return this.#objects(legacy, fresh, at);
    if (Array.isArray(legacy) && Array.isArray(fresh)) return new Arrays(this, at, legacy, fresh).compare();
    const kind = compareLeaves(legacy, fresh, at.rules);
    return kind === undefined || this.report({ kind, spot: at, legacy, fresh });
  }

  report(found: Found): boolean {
    if (found.spot.rules.ignored !== undefined) this.sawIgnored = true;
    return this.#sink(found, this.#trail);
  }

  /** For a walk that only asks: whether the values agree. */
  agree(legacy: Json, fresh: Json, at: Spot): boolean {
    const answer = agreement(legacy, fresh, at, this.work);
    if (answer === 'ignored') this.sawIgnored = true;
    return answer !== 'different';
  }

  /** Does the work at the member of that name or index. */
  below(token: string | number, work: () => boolean): boolean {
    this.#trail.push(token);
    const goesOn = work();
    this.#trail.pop();
    return goesOn;
  }

  #objects(legacy: JsonObject, fresh: JsonObject, at: Spot): boolean {
    for (const [name, value] of legacy) {
      const other = fresh.get(name);
      if (other === undefined) {
        if (!this.#lone('missing', name, value, at)) return false;
      } else if (!isSameLeaf(value, other)) {
        const spot = at.child(name, value);
        if (!this.below(name, () => this.values(value, other, spot))) return false;
      }
    }
    for (const [name, value] of fresh) {
      if (!legacy.has(name) && !this.#lone('extra', name, value, at)) return false;
    }
    return true;
  }

  /** A member that only one side has. */
  #lone(kind: 'missing' | 'extra', name: string, value: Json, at: Spot): boolean {
    const spot = at.child(name, value);
    if (value === null && spot.rules.nullAsAbsent) return true;
    return this.below(name, () => this.report(onOneSide(kind, spot, value)));
  }
}

function onOneSide(kind: 'missing' | 'extra', spot: Spot, value: Json): Found {
  const [legacy, fresh] = kind === 'missing' ? [value, undefined] : [undefined, value];
  return { kind, spot, legacy, fresh };
}

/** Two arrays at one place. */
class Arrays {
  readonly #walk: Walk;
  readonly #at: Spot;
  readonly #legacy: readonly Json[];
  readonly #fresh: readonly Json[];

  constructor(walk: Walk, at: Spot, legacy: readonly Json[], fresh: readonly Json[]) {
    this.#walk = walk;
    this.#at = at;
    this.#legacy = legacy;
    this.#fresh = fresh;
  }

  compare(): boolean {
    const { array } = this.#at.rules;
    const key = array?.key;
    if (key !== undefined) {
      const spotOf = (item: Json) => this.#at.member(item, key);
      const groups = groupByKey(this.#legacy, this.#fresh, key, spotOf);
      if (groups) return this.#keyed(groups, key, array?.unordered === true);
    }
    if (this.#legacy.length !== this.#fresh.length) return this.#report('length');
    return this.#positional(array?.unordered === true);
  }

  /** Members paired by a field, unless they are equal in place: the first with the first of those that share a value. */
  #keyed(groups: readonly Group[], key: string, unordered: boolean): boolean {
    if (this.#legacy.length === this.#fresh.length) {
      const { ignored, different } = this.#inPlace(key);
      if (different.length === 0) return this.#members(ignored, key);
    }
    const both: Pair[] = [];
    const [onlyLegacy, onlyFresh]: [number[], number[]] = [[], []];
    for (const { left, right } of groups) {
      const isAmbiguous = unordered && left.length > 1 && right.length > 0;
      const { matched, restLeft, restRight } = isAmbiguous
        ? this.#match(left, right, key)
        : { matched: [], restLeft: left, restRight: right };
      const count = Math.min(restLeft.length, restRight.length);
      const rest = restLeft.slice(0, count).map((index, i) => ({ left: index, right: restRight[i] as number }));
      both.push(...matched, ...rest);
      if (!rest.every((pair) => this.#member(pair, key))) return false;
      onlyLegacy.push(...restLeft.slice(count));
      onlyFresh.push(...restRight.slice(count));
    }
    if (!onlyLegacy.every((index) => this.#lone('missing', index, key))) return false;
    if (!onlyFresh.every((index) => this.#lone('extra', index, key))) return false;
    return unordered || isInOrder(both) || this.#report('order');
  }

  /** Members by position; or, when the same members only stand in another order, that and nothing else. */
  #positional(unordered: boolean): boolean {
    const { ignored, different } = this.#inPlace();
    if (different.length === 0) return this.#members(ignored);
    if (!unordered) {
      if (this.#walk.isProbe) return false;
      if (this.#isMoved(different)) return this.#report('order');
      return this.#members([...ignored, ...different].sort((a, b) => a - b));
    }
    // Within tolerances, members that agree in place may have to part so that all find a partner.
    const candidates = this.#at.rules.fuzzy ? [...this.#legacy.keys()] : different;
    const { restLeft, restRight } = this.#match(candidates, candidates);
    if (this.#walk.isProbe) return restLeft.length === 0;
    return restLeft.every((left, i) => this.#member({ left, right: restRight[i] as number }));
  }

  /** Positions whose members differ, and whether rules ignore all of it. */
  #inPlace(key?: string): { readonly ignored: readonly number[]; readonly different: readonly number[] } {
    const found = { ignored: [] as number[], different: [] as number[] };
    for (const [index, item] of this.#legacy.entries()) {
      const other = this.#fresh[index] as Json;
      if (isSameLeaf(item, other)) continue;
      const answer = agreement(item, other, this.#at.member(item, key), this.#walk.work);
      if (answer !== 'same') found[answer].push(index);
    }
    return found;
  }

  /** The differences of members in place, which all are ignored where that is all that is asked. */
  #members(indices: readonly number[], key?: string): boolean {
    if (this.#walk.isProbe) {
      if (indices.length > 0) this.#walk.sawIgnored = true;
      return true;
    }
    return indices.every((index) => this.#member({ left: index, right: index }, key));
  }

  #isMoved(differing: readonly number[]): boolean {
    if (this.#at.rules.fuzzy && differing.length > MOVED_FUZZY_MAX) return false;
    return this.#match(differing, differing).restLeft.length === 0;
  }

  /** Pairs members that agree, as many as can be. */
  #match(left: readonly number[], right: readonly number[], key?: string): Pairing {
    const spotOf = (item: Json) => this.#at.member(item, key);
    if (this.#at.rules.fuzzy) {
      return matchUp(left, right, (a, b) => {
        const item = this.#legacy[a] as Json;
        return agreement(item, this.#fresh[b] as Json, spotOf(item), this.#walk.work) !== 'different';
      });
    }
    const textOf = (item: Json) => canonicalText(item, spotOf(item));
    return matchByText(left, right, {
      left: (index) => textOf(this.#legacy[index] as Json),
      right: (index) => textOf(this.#fresh[index] as Json),
    });
  }

  #member({ left, right }: Pair, key?: string): boolean {
    const item = this.#legacy[left] as Json;
    const spot = this.#at.member(item, key);
    const other = this.#fresh[right] as Json;
    if (this.#walk.isProbe) return this.#walk.agree(item, other, spot);
    return this.#walk.below(left, () => this.#walk.values(item, other, spot));
  }

  #lone(kind: 'missing' | 'extra', index: number, key: string): boolean {
    const item = (kind === 'missing' ? this.#legacy : this.#fresh)[index] as Json;
    const spot = this.#at.member(item, key);
    return this.#walk.below(index, () => this.#walk.report(onOneSide(kind, spot, item)));
  }

  #report(kind: 'order' | 'length'): boolean {
    return this.#walk.report({ kind, spot: this.#at, legacy: this.#legacy, fresh: this.#fresh });
  }
}
