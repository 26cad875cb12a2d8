// Compares two texts line by line: XML, HTML, CSV, anything that is text and nothing more. Pure.
import { LINE_PATH } from '../../config/compare-path.ts';
import { type Difference, type DifferenceKind, Findings } from './difference.ts';
import type { PlaceRules } from './spot.ts';

const LINE_END = /\r\n|\n|\r/;
/** Lines added and removed that are told apart from changed ones; texts that differ more are compared line by line. */
const EDITS_MAX = 200;

/** Two runs of lines, as indices, the one written in the place of the other. */
interface Hunk {
  readonly legacy: readonly [from: number, to: number];
  readonly fresh: readonly [from: number, to: number];
}

/** How lines end does not matter, nor whether the last one does. What is in them is never quoted: nobody knows what it is. */
export function compareLines(legacy: string, fresh: string, rules: PlaceRules): readonly Difference[] {
  const findings = new Findings();
  const [left, right] = [linesOf(legacy), linesOf(fresh)];
  const report = (kind: DifferenceKind, index: number, a: string | undefined, b: string | undefined) =>
    findings.add({
      ...{ path: LINE_PATH, kind, rules, at: () => String(index + 1) },
      legacy: a === undefined ? undefined : () => describe(a),
      new: b === undefined ? undefined : () => describe(b),
    });
  const middle = withoutCommonEnds(left, right);
  if (isReordered(left.slice(...middle.legacy), right.slice(...middle.fresh))) {
    const [from] = middle.legacy;
    report('order', from, left[from], right[from]);
    return findings.found;
  }
  for (const { legacy, fresh } of hunksOf(left, right, middle)) {
    const shared = Math.min(legacy[1] - legacy[0], fresh[1] - fresh[0]);
    for (let i = 0; i < shared; i++) {
      const [a, b] = [left[legacy[0] + i], right[fresh[0] + i]];
      if (a !== b) report('changed', legacy[0] + i, a, b);
    }
    for (let i = legacy[0] + shared; i < legacy[1]; i++) report('missing', i, left[i], undefined);
    for (let i = fresh[0] + shared; i < fresh[1]; i++) report('extra', i, undefined, right[i]);
  }
  return findings.found;
}

function linesOf(text: string): readonly string[] {
  const lines = text.split(LINE_END);
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function withoutCommonEnds(left: readonly string[], right: readonly string[]): Hunk {
  const shorter = Math.min(left.length, right.length);
  let from = 0;
  while (from < shorter && left[from] === right[from]) from++;
  let after = 0;
  while (after < shorter - from && left[left.length - 1 - after] === right[right.length - 1 - after]) after++;
  return { legacy: [from, left.length - after], fresh: [from, right.length - after] };
}

function isReordered(left: readonly string[], right: readonly string[]): boolean {
  if (left.length !== right.length || left.length === 0) return false;
  const sorted = right.toSorted();
  return left.toSorted().every((line, index) => line === sorted[index]);
}

/** The shortest way from one text to the other (Myers' algorithm), or `within` as one when that is too long. */
function hunksOf(left: readonly string[], right: readonly string[], within: Hunk): readonly Hunk[] {
  const [x0, x1] = within.legacy;
  const [y0, y1] = within.fresh;
  const [width, height] = [x1 - x0, y1 - y0];
  if (width === 0 || height === 0) return [within];
  const offset = EDITS_MAX + 1;
  const furthest = new Int32Array(2 * offset + 1);
  const history: Int32Array[] = [];
  for (let edits = 0; edits <= EDITS_MAX; edits++) {
    history.push(furthest.slice());
    for (let k = -edits; k <= edits; k += 2) {
      const down = k === -edits || (k !== edits && at(furthest, offset + k - 1) < at(furthest, offset + k + 1));
      let x = down ? at(furthest, offset + k + 1) : at(furthest, offset + k - 1) + 1;
      while (x < width && x - k < height && left[x0 + x] === right[y0 + x - k]) x++;
      furthest[offset + k] = x;
      if (x >= width && x - k >= height) return backtrack(history, edits, k, within);
    }
  }
  return [within];
}

/** Follows the way back from the end; neighbouring edits make one hunk. */
function backtrack(history: readonly Int32Array[], edits: number, last: number, { legacy, fresh }: Hunk): Hunk[] {
  const offset = EDITS_MAX + 1;
  const hunks: Hunk[] = [];
  let k = last;
  for (let step = edits; step > 0; step--) {
    const before = history[step] as Int32Array;
    const down = k === -step || (k !== step && at(before, offset + k - 1) < at(before, offset + k + 1));
    k = down ? k + 1 : k - 1;
    const fromX = at(before, offset + k);
    const fromY = fromX - k;
    const toX = down ? fromX : fromX + 1;
    const toY = down ? fromY + 1 : fromY;
    const next = hunks.at(-1);
    // Where no equal line stands between this edit and the one found before, they are one.
    const joined = next && next.legacy[0] === legacy[0] + toX && next.fresh[0] === fresh[0] + toY ? next : undefined;
    if (joined) hunks.pop();
    hunks.push({
      legacy: [legacy[0] + fromX, joined?.legacy[1] ?? legacy[0] + toX],
      fresh: [fresh[0] + fromY, joined?.fresh[1] ?? fresh[0] + toY],
    });
  }
  return hunks.reverse();
}

function at(values: Int32Array, index: number): number {
  return values[index] ?? 0;
}

function describe(line: string): string {
  return `a line of ${line.length} characters`;
}
