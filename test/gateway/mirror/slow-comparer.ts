// What comparing means without rules, written to be read: the reference that the fast comparer is held to.
import { type Json, JsonNumber } from '../../../gateway/mirror/json.ts';
import { memberPath, sameText } from './mutations.ts';

/** Differences as "kind path". */
export function compareSlowly(legacy: Json, fresh: Json, path = '$'): string[] {
  if (sameText(legacy) === sameText(fresh)) return [];
  if (kindOf(legacy) !== kindOf(fresh)) return [`type ${path}`];
  if (Array.isArray(legacy) && Array.isArray(fresh)) return compareArrays(legacy, fresh, path);
  if (legacy instanceof Map && fresh instanceof Map) return compareObjects(legacy, fresh, path);
  return [`changed ${path}`];
}

function compareArrays(legacy: readonly Json[], fresh: readonly Json[], path: string): string[] {
  if (legacy.length !== fresh.length) return [`length ${path}`];
  const sorted = (items: readonly Json[]) => items.map(sameText).sort().join();
  if (sorted(legacy) === sorted(fresh)) return [`order ${path}`];
  return legacy.flatMap((item, index) => compareSlowly(item, fresh[index] ?? null, `${path}[*]`));
}

function compareObjects(legacy: ReadonlyMap<string, Json>, fresh: ReadonlyMap<string, Json>, path: string): string[] {
  return [...new Set([...legacy.keys(), ...fresh.keys()])].flatMap((name) => {
    const [left, right] = [legacy.get(name), fresh.get(name)];
    const at = memberPath(path, name);
    if (left === undefined) return [`extra ${at}`];
    if (right === undefined) return [`missing ${at}`];
    return compareSlowly(left, right, at);
  });
}

function kindOf(value: Json): string {
  if (value === null || typeof value !== 'object') return value === null ? 'null' : typeof value;
  if (value instanceof JsonNumber) return 'number';
  return Array.isArray(value) ? 'array' : 'object';
}
