// What comparing under rules means, written to be read: the reference that the fast comparer is held to. Knows paths of
// names, `*`, `[*]` and `..`; takes any time, so documents must be small.
import type { CompareConfig } from '../../../config/gateway-schema.ts';
import { type Json, JsonNumber } from '../../../gateway/mirror/json.ts';
import { memberPath, sameText } from './mutations.ts';

export interface SlowDifference {
  readonly kind: string;
  readonly path: string;
  readonly ignored: boolean;
}

/** A place: names, and `#` for members of arrays. */
type Place = readonly string[];

export class SlowComparer {
  readonly #config: CompareConfig;

  constructor(config: CompareConfig) {
    this.#config = config;
  }

  compare(legacy: Json, fresh: Json, place: Place = [], path = '$'): SlowDifference[] {
    if (sameText(legacy) === sameText(fresh)) return [];
    if (Array.isArray(legacy) && Array.isArray(fresh)) return this.#arrays(legacy, fresh, place, path);
    if (legacy instanceof Map && fresh instanceof Map) return this.#objects(legacy, fresh, place, path);
    const kind = this.#leaves(legacy, fresh, place);
    return kind === undefined ? [] : [this.#found(kind, place, path)];
  }

  #found(kind: string, place: Place, path: string): SlowDifference {
    const above = place.map((_, index) => place.slice(0, index + 1));
    return {
      kind,
      path,
      ignored: [[], ...above].some((each) => this.#config.ignore.some((rule) => isAt(rule.path, each))),
    };
  }

  #isNormalised(place: Place, how: string): boolean {
    return this.#config.normalise.some(({ path, as }) => as === how && isAt(path, place));
  }

  #objects(legacy: ReadonlyMap<string, Json>, fresh: ReadonlyMap<string, Json>, place: Place, path: string) {
    return [...new Set([...legacy.keys(), ...fresh.keys()])].flatMap((name) => {
      const [left, right] = [legacy.get(name), fresh.get(name)];
      const [below, at] = [[...place, name], memberPath(path, name)];
      if (left !== undefined && right !== undefined) return this.compare(left, right, below, at);
      if ((left === undefined ? right : left) === null && this.#isNormalised(below, 'null-as-absent')) return [];
      return [this.#found(left === undefined ? 'extra' : 'missing', below, at)];
    });
  }

  #leaves(legacy: Json, fresh: Json, place: Place): 'changed' | 'type' | undefined {
    const enums = this.#config.enums.find((rule) => isAt(rule.path, place));
    if (enums) {
      const isSame = (value: Json, configured: unknown) =>
        value instanceof JsonNumber
          ? typeof configured === 'number' && fractionOf(value.text) === fractionOf(String(configured))
          : sameText(value) === JSON.stringify(configured);
      if (enums.values?.some((pair) => isSame(legacy, pair.legacy) && isSame(fresh, pair.new))) return undefined;
    }
    const isText = (value: Json): value is string | JsonNumber =>
      typeof value === 'string' || value instanceof JsonNumber;
    const written = (value: string | JsonNumber) => (typeof value === 'string' ? value : value.text);
    const isNormalised = this.#isNormalised(place, 'number');
    const type = kindOf(legacy) === kindOf(fresh) ? 'changed' : 'type';
    if (!isText(legacy) || !isText(fresh)) return type;
    if (isNormalised && written(legacy) === written(fresh)) return undefined;
    const [a, b] = [fractionOf(written(legacy)), fractionOf(written(fresh))];
    if (a === undefined || b === undefined) return type;
    if (isNormalised && a === b) return undefined;
    const tolerance = this.#config.tolerate.find((rule) => isAt(rule.path, place));
    if (type === 'type' && !isNormalised) return 'type';
    if (tolerance) {
      const distance = size(a - b);
      if (tolerance.absolute !== undefined && distance <= (fractionOf(String(tolerance.absolute)) ?? -1n))
        return undefined;
      const relative = tolerance.relative === undefined ? undefined : fractionOf(String(tolerance.relative));
      if (relative !== undefined && distance * ONE <= relative * size(a)) return undefined;
    }
    return 'changed';
  }

  #agree(legacy: Json, fresh: Json, place: Place): boolean {
    return this.compare(legacy, fresh, [...place, '#']).every(({ ignored }) => ignored);
  }

  #arrays(legacy: readonly Json[], fresh: readonly Json[], place: Place, path: string): SlowDifference[] {
    const { key, unordered } = this.#config.arrays.find((rule) => isAt(rule.path, place)) ?? {};
    const keyOf = (item: Json) => {
      const value = key !== undefined && item instanceof Map ? item.get(key) : undefined;
      if (typeof value !== 'string' && !(value instanceof JsonNumber)) return undefined;
      const text = typeof value === 'string' ? value : value.text;
      const number = this.#isNormalised([...place, '#', key ?? ''], 'number') ? fractionOf(text) : undefined;
      return number === undefined ? text : `number ${number}`;
    };
    const isKeyed = [...legacy, ...fresh].some((item) => keyOf(item) !== undefined);
    const [below, at] = [[...place, '#'], `${path}${isKeyed ? `[?${key}]` : '[*]'}`];
    const inPlace = () => legacy.flatMap((item, i) => this.compare(item, fresh[i] ?? null, below, at));
    const differing = legacy.flatMap((item, i) => (this.#agree(item, fresh[i] ?? null, place) ? [] : [i]));
    if (legacy.length === fresh.length && differing.length === 0) return inPlace();
    const canPair = (left: readonly Json[], right: readonly Json[]) =>
      permutations(right).some((order) => left.every((item, i) => this.#agree(item, order[i] as Json, place)));
    if (!isKeyed) {
      if (legacy.length !== fresh.length) return [this.#found('length', place, path)];
      if (unordered) return canPair(legacy, fresh) ? [] : inPlace();
      const only = (items: readonly Json[]) => differing.map((i) => items[i] as Json);
      return canPair(only(legacy), only(fresh)) ? [this.#found('order', place, path)] : inPlace();
    }
    const found: SlowDifference[] = [];
    const pairs: (readonly [left: number, right: number])[] = []; // By index: two members may be the same null.
    for (const name of new Set([...legacy, ...fresh].map(keyOf))) {
      const named = (items: readonly Json[]) => [...items.entries()].filter(([, item]) => keyOf(item) === name);
      const [left, right] = [named(legacy), named(fresh)];
      const [ours, theirs] = [left.map(([, item]) => item), right.map(([, item]) => item)];
      if (unordered && left.length === right.length && canPair(ours, theirs)) continue;
      for (let i = 0; i < Math.max(left.length, right.length); i++) {
        const [a, b] = [left[i], right[i]];
        if (a === undefined || b === undefined)
          found.push(this.#found(a === undefined ? 'extra' : 'missing', below, at));
        else {
          pairs.push([a[0], b[0]]);
          found.push(...this.compare(a[1], b[1], below, at));
        }
      }
    }
    const inOrder = pairs.toSorted(([a], [b]) => a - b).map(([, b]) => b);
    const isMoved = inOrder.some((index, i) => i > 0 && index < (inOrder[i - 1] ?? 0));
    return isMoved && !unordered ? [...found, this.#found('order', place, path)] : found;
  }
}

function isAt(rule: string, place: Place): boolean {
  const pattern = rule
    .slice(1)
    .replaceAll('[*]', '.*')
    .replace(/(\.\.?)(\*|\w+)/g, (_, dots: string, name: string) => {
      return `${dots === '..' ? '(?:/[^/]+)*' : ''}/${name === '*' ? '[^/]+' : name}`;
    });
  return new RegExp(`^${pattern}$`).test(place.map((name) => `/${name}`).join(''));
}

function permutations<T>(items: readonly T[]): readonly (readonly T[])[] {
  if (items.length === 0) return [[]];
  return items.flatMap((item, i) => permutations(items.toSpliced(i, 1)).map((rest) => [item, ...rest]));
}

const PLACES = 1_000n;
const ONE = 10n ** PLACES;

/** The value of a decimal text times ONE. */
function fractionOf(text: string): bigint | undefined {
  const [, sign, whole = '', fraction = '', exponent = '0'] =
    /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? [];
  if (sign === undefined || whole + fraction === '') return undefined;
  const value = BigInt(whole + fraction) * 10n ** (PLACES + BigInt(exponent) - BigInt(fraction.length));
  return sign === '-' ? -value : value;
}

function size(value: bigint): bigint {
  return value < 0n ? -value : value;
}

function kindOf(value: Json): string {
  if (value === null || typeof value !== 'object') return value === null ? 'null' : typeof value;
  if (value instanceof JsonNumber) return 'number';
  return Array.isArray(value) ? 'array' : 'object';
}
