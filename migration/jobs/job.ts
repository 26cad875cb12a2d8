// What a data job is: a table, its key, and how a row becomes an item, through the store's own code both ways.

import type { ItemKey } from '../../backend/store/item-table.ts';
import type { Item } from '../../backend/store/items.ts';
import type { Row } from '../postgres/values.ts';
import type { Key, KeyColumn } from './key.ts';

export type Job = {
  readonly name: string;
  /** Of the source: schema and name. */
  readonly table: { readonly schema: string; readonly name: string };
  /** Rises when `toItem` would make another item of the same row; a plan holds for one mapping. */
  readonly mappingVersion: number;
  readonly key: readonly KeyColumn[];
  /** What is read of a row, and watched for changes of type. */
  readonly columns: readonly string[];
  /** The items' `data_type`. */
  readonly dataType: string;
  /** The row's item. `plannedAtMs` is the least time that counts as its last write, where items expire. @throws BadValue, or a ZodError */
  readonly toItem: (row: Row, plannedAtMs: number) => Item;
  /** Where the row's item is, known also when the row cannot be mapped. */
  readonly itemKeyOf: (row: Row) => ItemKey;
  /**
   * The item written anew from what the service reads in it: equal to it, marks aside, unless something in it was altered.
   * @throws what the store's reader throws
   */
  readonly rewritten: (item: Item, plannedAtMs: number) => Item;
  /** What the service reads in an item of this job. @throws what the store's reader throws */
  readonly recordOf: (item: Item) => Readonly<Record<string, unknown>>;
  /** The key of the source row that a record came from. */
  readonly keyOfRecord: (record: Readonly<Record<string, unknown>>) => Key;
  /**
   * The second, independent decoder: what each field of the record must be, computed and printed by Postgres (an SQL
   * expression of type text). Verification compares this with what the service reads.
   */
  readonly printed: Readonly<Record<string, string>>;
  /**
   * For the rehearsal of the way back: a row that nobody else has, told from others by `mark` (12 hexadecimal digits), and a
   * text field of its record with another value that it takes on the new side.
   */
  readonly canary: (mark: string) => { readonly row: Row; readonly field: string; readonly value: string };
};

/** Whose rows canaries are, where rows have users. */
export const CANARY_USER = 'banyan-canary';

export const keyOf = (job: Job, row: Row): Key => job.key.map(({ name }) => row[name] ?? '');

/** `"schema"."name"` */
export const quotedTable = ({ table }: Job): string => `${quoted(table.schema)}.${quoted(table.name)}`;
export const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;
