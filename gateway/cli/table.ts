// Text that a command answers: words and tables, set for people, or a record a line for scripts. Pure.

export interface Table {
  readonly heads: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** What people read where there are no rows; else the heads alone. */
  readonly none?: string;
}

/** One after the other, with an empty line between. */
export type Text = string | Table | readonly (string | Table)[];

export function table(heads: Table['heads'], rows: Table['rows'], none?: string): Table {
  return { heads, rows, ...(none === undefined ? {} : { none }) };
}

/** Tables with columns as wide as their widest cell. */
export const forPeople = (text: Text): string => joined(text, aligned);

/** Tables as lines with a tab between the columns, the heads first: nothing is padded or left out, and no cell is of two lines. */
export const plain = (text: Text): string => joined(text, tabbed);

/** A sentence stands right above what follows; an empty line ends a table. */
function joined(text: Text, set: (table: Table) => string): string {
  const parts = typeof text === 'string' || 'heads' in text ? [text] : text;
  return parts
    .map((part, index) => {
      const isLast = index === parts.length - 1;
      if (typeof part === 'string') return printable(part) + (isLast ? '' : '\n');
      return printable(set(part)) + (isLast ? '' : '\n\n');
    })
    .join('');
}

/** The last column is not padded. */
function aligned({ heads, rows, none }: Table): string {
  if (rows.length === 0 && none !== undefined) return none;
  const all = [heads, ...rows].map((row) => row.map(inOneLine));
  const widths = heads.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return all.map(line).join('\n');
}

function tabbed({ heads, rows }: Table): string {
  return [heads, ...rows].map((row) => row.map(inOneLine).join('\t')).join('\n');
}

const inOneLine = (cell: string): string => cell.replaceAll(/[\t\r\n]+/g, ' ');

/** Reasons, paths and names come from elsewhere: what would move a terminal's cursor or colour it is shown as a mark. */
export function printable(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for (ECMA-48 C0 and C1, but for tab and line end)
  return text.replaceAll(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/g, '\ufffd');
}
