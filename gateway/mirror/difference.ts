// What comparing finds: one value that differs, where and how; and a bounded collection of such.
import type { PlaceRules } from './spot.ts';

/**
 * changed: another value of the same type. type: another type. missing: legacy has it, new does not. extra: new has
 * it, legacy does not. order: the same members in another order. length: arrays of different length.
 */
export type DifferenceKind = 'changed' | 'type' | 'missing' | 'extra' | 'order' | 'length';

export interface Difference {
  /**
   * `status`, `header:NAME`, a JSONPath with array members as `[*]`, `[?key]` where they are paired by a key, or
   * `body:line[*]` where bodies are compared by lines.
   */
  readonly path: string;
  /**
   * Where exactly: `status`, `header:NAME`, a JSON pointer (RFC 6901) or the number of the line; in legacy's document,
   * and in the new one where only that has the value.
   */
  readonly at: string;
  readonly kind: DifferenceKind;
  /** The two values, shortened; undefined where a side has none. */
  readonly legacy: string | undefined;
  readonly new: string | undefined;
  readonly critical: boolean;
  /** The ignore rule that covers it. */
  readonly rule: string | undefined;
  /** Legacy does not agree with itself here: nobody can say whether new is wrong. See noise.ts. */
  readonly noise?: true;
}

/** Whether it counts: no rule covers it, and it is no noise. */
export function isHeldAgainstNew({ rule, noise }: Pick<Difference, 'rule' | 'noise'>): boolean {
  return rule === undefined && !noise;
}

/**
 * Two documents that share nothing differ everywhere; the first so many differences of each weight say enough. Of each
 * weight, so that many ignored ones cannot hide one that counts, nor many that count a critical one.
 */
export const DIFFERENCES_MAX = 200;

/** A difference before it is known whether there is room for it. */
export interface Finding {
  readonly path: string;
  readonly at: () => string;
  readonly kind: DifferenceKind;
  readonly legacy: (() => string) | undefined;
  readonly new: (() => string) | undefined;
  readonly rules: PlaceRules;
}

export class Findings {
  readonly found: Difference[] = [];
  readonly #room = { ignored: DIFFERENCES_MAX, ordinary: DIFFERENCES_MAX, critical: DIFFERENCES_MAX };

  add({ path, at, kind, legacy, new: fresh, rules }: Finding): void {
    const critical = isCritical(rules, kind);
    const weight = rules.ignored !== undefined ? 'ignored' : critical ? 'critical' : 'ordinary';
    if (this.#room[weight]-- <= 0) return;
    this.found.push({ path, at: at(), kind, legacy: legacy?.(), new: fresh?.(), critical, rule: rules.ignored });
  }
}

/** A place is as critical as what it takes with it: a missing order is a missing price. */
function isCritical({ critical, criticalBelow }: PlaceRules, kind: DifferenceKind): boolean {
  return critical || (criticalBelow && kind !== 'changed' && kind !== 'order');
}

/** A reference token of a JSON pointer (RFC 6901 section 3). */
export function pointerToken(token: string | number): string {
  return `/${typeof token === 'number' ? token : token.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
