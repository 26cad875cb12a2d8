// Every single change that can be made to a document, with the place and the kind of the difference that it is.
import type { DifferenceKind } from '../../../gateway/mirror/difference.ts';
import { type Json, JsonNumber } from '../../../gateway/mirror/json.ts';
import { write } from '../../helpers/json-documents.ts';

export interface Mutation {
  readonly path: string;
  readonly kind: DifferenceKind;
  readonly mutated: Json;
}

export function mutations(document: Json, path = '$'): Mutation[] {
  const here = [...mutateValue(document), ...mutateMembers(document)];
  return [...here.map((mutation) => ({ path, ...mutation })), ...mutateBelow(document, path)];
}

type Local = Omit<Mutation, 'path'>;

function mutateValue(value: Json): Local[] {
  const otherType: Local = { kind: 'type', mutated: value === null ? false : null };
  if (value instanceof JsonNumber)
    return [otherType, { kind: 'changed', mutated: new JsonNumber(`1${value.text.replace('-', '')}`) }];
  if (typeof value === 'string') return [otherType, { kind: 'changed', mutated: `${value}x` }];
  if (typeof value === 'boolean') return [otherType, { kind: 'changed', mutated: !value }];
  return [otherType];
}

function mutateMembers(value: Json): Local[] {
  if (!Array.isArray(value)) return [];
  const items: readonly Json[] = value;
  const lengths: Local[] = [{ kind: 'length', mutated: [...items, null] }];
  if (items.length > 0) lengths.push({ kind: 'length', mutated: items.slice(1) });
  const rotated = [...items.slice(1), ...items.slice(0, 1)];
  const isMoved = rotated.some((item, index) => sameText(item) !== sameText(items[index] ?? null));
  return isMoved ? [...lengths, { kind: 'order', mutated: rotated }] : lengths;
}

function mutateBelow(value: Json, path: string): Mutation[] {
  if (Array.isArray(value)) {
    return value.flatMap((item: Json, index) =>
      mutations(item, `${path}[*]`).map((inner) => ({ ...inner, mutated: value.toSpliced(index, 1, inner.mutated) })),
    );
  }
  if (!(value instanceof Map)) return [];
  const fresh = 'a name that no other member has';
  const extra: Mutation = { path: memberPath(path, fresh), kind: 'extra', mutated: new Map([...value, [fresh, null]]) };
  const below = [...value].flatMap(([name, item]: [string, Json]) => {
    const at = memberPath(path, name);
    const missing: Mutation = {
      path: at,
      kind: 'missing',
      mutated: new Map([...value].filter(([each]) => each !== name)),
    };
    const changed = mutations(item, at).map((inner) => ({
      ...inner,
      mutated: new Map([...value, [name, inner.mutated]]),
    }));
    return [missing, ...changed];
  });
  return [extra, ...below];
}

export function memberPath(path: string, name: string): string {
  if (/^[A-Za-z_]\w*$/.test(name)) return `${path}.${name}`;
  const escaped = name.replaceAll('\\', '\\\\').replaceAll("'", "\\'");
  return `${path}['${escaped}']`;
}

/** The text of a value that all its spellings share. */
export function sameText(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(sameText).join()}]`;
  if (!(value instanceof Map)) return write(value);
  const members = [...value].map(([name, item]) => `${write(name)}:${sameText(item)}`);
  return `{${members.sort().join()}}`;
}
