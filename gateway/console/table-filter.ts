// What the filter above a table means: words, !not, "exact phrase", label:value. Pure.

/** What a row can be found by. */
export interface Searchable {
  /** Texts in which a word is looked for. */
  readonly texts: readonly string[];
  /** What `label:value` is compared with; a label may have several values. */
  readonly labels: Readonly<Record<string, readonly string[]>>;
}

interface Term {
  readonly negated: boolean;
  readonly label: string | undefined;
  readonly text: string;
  /** Quoted: the whole text, or the whole value, and nothing more. */
  readonly exact: boolean;
}

const TERM = /(!?)(?:([\w-]+):)?(?:"([^"]*)"|(\S+))/g;

/** Whether a row passes: every term has to hold. An empty filter lets everything through. */
export function compileFilter(filter: string): (row: Searchable) => boolean {
  const terms = [...filter.toLowerCase().matchAll(TERM)].map(([, not, label, quoted, word]): Term => {
    return { negated: not === '!', label, text: quoted ?? word ?? '', exact: quoted !== undefined };
  });
  return (row) => terms.every((term) => holds(term, row) !== term.negated);
}

function holds({ label, text, exact }: Term, { texts, labels }: Searchable): boolean {
  const values = label === undefined ? texts : labels[label];
  // An unknown label is taken for a word with a colon in it, as in "$.a:b".
  if (!values) return texts.some((each) => each.toLowerCase().includes(`${label}:${text}`));
  return values.some((value) => {
    const lower = value.toLowerCase();
    return exact || (label !== undefined && label !== '') ? lower === text : lower.includes(text);
  });
}

export interface Order {
  readonly column: string;
  readonly descending: boolean;
}

/** `column` or `-column`, as it stands in the URL. */
export function parseOrder(text: string | null, fallback: Order): Order {
  if (!text) return fallback;
  return text.startsWith('-') ? { column: text.slice(1), descending: true } : { column: text, descending: false };
}

export function orderText({ column, descending }: Order): string {
  return `${descending ? '-' : ''}${column}`;
}

/** What rows are ordered by; null goes last, whichever way the order runs. */
export type SortValue = number | string | null;

/** The rows in order. Equal ones stay as they were. */
export function sortRows<Row>(rows: readonly Row[], keyOf: (row: Row) => SortValue, descending: boolean): Row[] {
  const sign = descending ? -1 : 1;
  return [...rows].sort((a, b) => {
    const left = keyOf(a);
    const right = keyOf(b);
    if (left === null || right === null) return left === right ? 0 : left === null ? 1 : -1;
    if (typeof left === 'number' && typeof right === 'number') return sign * (left - right);
    return sign * String(left).localeCompare(String(right), 'en', { numeric: true });
  });
}
