// The differences of a route as a tree of places, so that "everything below $.fills[*] differs" is seen at once. Pure.
import type { DifferenceCount } from './answers.ts';

export interface TreeNode {
  /** The last part of the path: `status`, `header:date`, `fee`, `[*]`. */
  readonly name: string;
  readonly path: string;
  /** What differs at this very place, by kind. */
  readonly own: readonly DifferenceCount[];
  readonly children: readonly TreeNode[];
  /** The most requests of any difference here or below: a request may have several, so counts do not add up. */
  readonly most: number;
  /** Whether anything here or below is critical and covered by no rule. */
  readonly critical: boolean;
}

const PART = /^(?:status|header:.+)$|\$|\.(?:[^.[\]'"]+)|\[[^\]]*\]/g;

interface Growing {
  readonly name: string;
  readonly path: string;
  readonly own: DifferenceCount[];
  readonly children: Map<string, Growing>;
}

/** The roots: `status`, each header, and `$` with what is below it. The most frequent come first. */
export function differenceTree(differences: readonly DifferenceCount[]): TreeNode[] {
  const root: Growing = { name: '', path: '', own: [], children: new Map() };
  for (const difference of differences) {
    let node = root;
    for (const part of difference.path.match(PART) ?? [difference.path]) {
      const name = part.replace(/^\./, '');
      const known = node.children.get(name);
      const next = known ?? { name, path: node.path + part, own: [], children: new Map() };
      if (!known) node.children.set(name, next);
      node = next;
    }
    node.own.push(difference);
  }
  return childrenOf(root);
}

function childrenOf(node: Growing): TreeNode[] {
  return [...node.children.values()].map(grown).sort((a, b) => b.most - a.most || a.name.localeCompare(b.name));
}

function grown({ name, path, own, children, ...rest }: Growing): TreeNode {
  const below = childrenOf({ name, path, own, children, ...rest });
  const most = Math.max(0, ...own.map(({ count }) => count), ...below.map((child) => child.most));
  const critical =
    own.some((difference) => difference.critical && difference.rule === undefined) ||
    below.some((child) => child.critical);
  // A place of no difference of its own, and of one child only, is written together with it: `$.positions[*].fee`.
  const [only] = below;
  if (only && below.length === 1 && own.length === 0) {
    return { ...only, name: only.name.startsWith('[') ? name + only.name : `${name}.${only.name}` };
  }
  return { name, path, own, children: below, most, critical };
}
