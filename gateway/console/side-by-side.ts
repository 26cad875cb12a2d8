// Two JSON documents as lines beside each other, so that what belongs together stands on one line. Pure.
import { type ExactNode, readExact } from './exact-json.ts';

export interface Cell {
  readonly text: string;
  readonly depth: number;
}

export interface Line {
  /** The JSON pointer of the value that stands here (RFC 6901); closing brackets have their document's part's. */
  readonly pointer: string;
  /** Undefined where the side has nothing. */
  readonly legacy: Cell | undefined;
  readonly new: Cell | undefined;
  /** The value, or one around it, is among those that differ. */
  readonly differs: boolean;
}

/** Lines that are alike, and far from any that differ, in one. */
export interface Fold {
  readonly folded: number;
}

/** The lines with those folded that are more than `context` lines away from a difference. Nothing differs: nothing is folded. */
export function foldLines(lines: readonly Line[], context: number): (Line | Fold)[] {
  const near = new Set<number>();
  for (const [index, { differs }] of lines.entries()) {
    if (!differs) continue;
    for (let at = index - context; at <= index + context; at++) near.add(at);
  }
  if (near.size === 0) return [...lines];
  const shown: (Line | Fold)[] = [];
  let folded = 0;
  for (const [index, line] of lines.entries()) {
    if (!near.has(index)) {
      folded++;
      continue;
    }
    if (folded > 0) shown.push({ folded });
    folded = 0;
    shown.push(line);
  }
  return folded > 0 ? [...shown, { folded }] : shown;
}

interface Pair {
  readonly legacy: ExactNode | undefined;
  readonly new: ExactNode | undefined;
}

/** A difference as comparing has found it. */
export interface Found {
  /** With `[*]` for members of arrays, or `[?key]` where they were paired by a key. */
  readonly path: string;
  /** Its JSON pointer (RFC 6901), by legacy's positions where both have them. */
  readonly at: string;
  readonly kind: string;
}

/** Of these the members are not different, only how they stand or how many there are. */
const OF_THE_WHOLE = ['order', 'length'];

/**
 * The lines of both bodies, or undefined when neither is JSON. What was found is marked with everything below it; members of
 * arrays that were paired by a key stand beside each other here too.
 */
export function alignLines(
  legacy: string | undefined,
  fresh: string | undefined,
  found: readonly Found[],
): Line[] | undefined {
  const pair = { legacy: readOr(legacy), new: readOr(fresh) };
  if (!pair.legacy && !pair.new) return undefined;
  const marked = new Set(found.filter(({ kind }) => !OF_THE_WHOLE.includes(kind)).map(({ at }) => at));
  const headed = new Set(found.filter(({ kind }) => OF_THE_WHOLE.includes(kind)).map(({ at }) => at));
  const keys = keysOf(found);
  const lines: Line[] = [];
  const root = { names: {}, last: { legacy: true, new: true }, pointer: '', depth: 0 };
  write({ ...root, pair, differs: marked.has('') });
  return lines;

  function write(place: Place): void {
    const { pair, pointer, depth, differs } = place;
    const comma = (side: Side) => (place.last[side] ? '' : ',');
    const line = (isMarked: boolean, text: (node: ExactNode, side: Side) => string | undefined) => {
      const cell = (side: Side): Cell | undefined => {
        const node = pair[side];
        const written = node && text(node, side);
        return written === undefined ? undefined : { text: written, depth };
      };
      const cells = { legacy: cell('legacy'), new: cell('new') };
      if (cells.legacy || cells.new) lines.push({ pointer, ...cells, differs: isMarked });
    };
    line(differs || headed.has(pointer), (node, side) => {
      return named(place.names[side]) + opening(node) + (isOpen(node) ? '' : comma(side));
    });
    for (const { step, ...child } of childrenOf(pair, keys.get(pointer))) {
      const below = `${pointer}/${step.replaceAll('~', '~0').replaceAll('/', '~1')}`;
      write({ ...child, pointer: below, depth: depth + 1, differs: differs || marked.has(below) });
    }
    line(differs, (node, side) => (isOpen(node) ? (node.kind === 'object' ? '}' : ']') + comma(side) : undefined));
  }
}

/** By which member arrays were paired: a name for each array's pointer. */
function keysOf(found: readonly Found[]): Map<string, string> {
  const keys = new Map<string, string>();
  for (const { path, at } of found) {
    const parts = path.match(/\.[^.[]+|\[[^\]]*\]/g) ?? [];
    const steps = at.split('/').slice(1);
    if (parts.length !== steps.length) continue;
    for (const [index, part] of parts.entries()) {
      if (part.startsWith('[?')) keys.set(['', ...steps.slice(0, index)].join('/'), part.slice(2, -1));
    }
  }
  return keys;
}

type Side = 'legacy' | 'new';
type Names = Readonly<Partial<Record<Side, string | undefined>>>;

interface Place {
  readonly pair: Pair;
  /** The member's name on each side; array members and the root have none. */
  readonly names: Names;
  /** No comma follows. */
  readonly last: { readonly legacy: boolean; readonly new: boolean };
  readonly pointer: string;
  readonly depth: number;
  readonly differs: boolean;
}

interface Child extends Pick<Place, 'pair' | 'names' | 'last'> {
  /** Its part of the pointer. */
  readonly step: string;
}

interface Member {
  readonly step: string;
  readonly name: string | undefined;
  readonly node: ExactNode;
}

function named(name: string | undefined): string {
  return name === undefined ? '' : `${JSON.stringify(name)}: `;
}

function readOr(text: string | undefined): ExactNode | undefined {
  return text === undefined || text === '' ? undefined : readExact(text);
}

/** Whether a node takes more than one line. */
function isOpen(node: ExactNode): node is Exclude<ExactNode, { kind: 'scalar' }> {
  return node.kind !== 'scalar' && node.members.length > 0;
}

function opening(node: ExactNode): string {
  if (node.kind === 'scalar') return node.text;
  const isEmpty = node.members.length === 0;
  if (node.kind === 'object') return isEmpty ? '{}' : '{';
  return isEmpty ? '[]' : '[';
}

/** The members of both, by name, index or key: in legacy's order, and after them what only new has. */
function childrenOf({ legacy, new: fresh }: Pair, key: string | undefined): Child[] {
  // An object and an array have nothing that belongs together, whatever an object's names look like.
  if (legacy && fresh && legacy.kind !== fresh.kind) {
    return [...childrenOf({ legacy, new: undefined }, key), ...childrenOf({ legacy: undefined, new: fresh }, key)];
  }
  const left = membersOf(legacy, key);
  const right = membersOf(fresh, key);
  const all = [...new Set([...left.keys(), ...right.keys()])];
  const last = { legacy: all.findLast((each) => left.has(each)), new: all.findLast((each) => right.has(each)) };
  return all.map((each) => {
    const [one, other] = [left.get(each), right.get(each)];
    return {
      step: one?.step ?? other?.step ?? '',
      names: { legacy: one?.name, new: other?.name },
      pair: { legacy: one?.node, new: other?.node },
      last: { legacy: last.legacy === each, new: last.new === each },
    };
  });
}

/** A node's members by what pairs them. */
function membersOf(node: ExactNode | undefined, key: string | undefined): Map<string, Member> {
  if (!node || node.kind === 'scalar') return new Map();
  if (node.kind === 'object')
    return new Map(node.members.map(([name, value]) => [name, { step: name, name, node: value }]));
  const members = new Map<string, Member>();
  for (const [index, each] of node.members.entries()) {
    const step = String(index);
    const byKey = keyText(each, key);
    // Two of the same key would hide each other.
    members.set(byKey === undefined || members.has(byKey) ? step : byKey, { step, name: undefined, node: each });
  }
  return members;
}

/** What a member is paired by: the text of its key, which can be no index. */
function keyText(node: ExactNode, key: string | undefined): string | undefined {
  if (key === undefined || node.kind !== 'object') return undefined;
  const value = node.members.find(([name]) => name === key)?.[1];
  return value?.kind === 'scalar' ? `=${value.text}` : undefined;
}
