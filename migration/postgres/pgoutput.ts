// Reading pgoutput, protocol version 1 (PostgreSQL docs, "Logical Replication Message Formats"). Pure: bytes in, messages out.
import type { Cell, Row } from './values.ts';

export type RelationColumn = { readonly name: string; readonly typeOid: number; readonly typeModifier: number };
export type Relation = {
  readonly oid: number;
  readonly table: string;
  /** 'f': FULL, old rows come whole. 'd': default, only their key. */
  readonly identity: string;
  readonly columns: readonly RelationColumn[];
};

/** A row of the log. `unchanged` lists columns of large values that the change left alone and that are not in it (TOAST). */
export type Tuple = { readonly row: Row; readonly unchanged: readonly string[] };

export type Message =
  | { readonly kind: 'begin'; readonly commitLsn: bigint; readonly xid: number }
  | { readonly kind: 'commit'; readonly endLsn: bigint }
  | { readonly kind: 'relation'; readonly relation: Relation }
  | { readonly kind: 'insert'; readonly relation: Relation; readonly after: Tuple }
  | { readonly kind: 'update'; readonly relation: Relation; readonly before: Tuple | undefined; readonly after: Tuple }
  | { readonly kind: 'delete'; readonly relation: Relation; readonly before: Tuple }
  | { readonly kind: 'truncate' }
  /** Of pg_logical_emit_message, within the transaction. */
  | { readonly kind: 'message'; readonly prefix: string }
  | { readonly kind: 'other' };

/** Reads fields one after the other; reading past the end throws a RangeError. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }
  byte(): string {
    return String.fromCharCode(this.#bytes.readUInt8(this.#at++));
  }
  int16(): number {
    this.#at += 2;
    return this.#bytes.readUInt16BE(this.#at - 2);
  }
  int32(): number {
    this.#at += 4;
    return this.#bytes.readUInt32BE(this.#at - 4);
  }
  signed32(): number {
    return this.int32() | 0;
  }
  int64(): bigint {
    this.#at += 8;
    return this.#bytes.readBigUInt64BE(this.#at - 8);
  }
  string(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    if (end < 0) throw new RangeError('a text without an end');
    const text = this.#bytes.toString('utf8', this.#at, end);
    this.#at = end + 1;
    return text;
  }
  text(length: number): string {
    if (this.#at + length > this.#bytes.length) throw new RangeError('a value without an end');
    this.#at += length;
    return this.#bytes.toString('utf8', this.#at - length, this.#at);
  }
}

/** Keeps the relations that the stream has described; a new connection needs a new decoder. */
export function createPgoutputDecoder(): (bytes: Buffer) => Message {
  const relations = new Map<number, Relation>(); // As many as the publication has tables.

  const described = (oid: number): Relation => {
    const relation = relations.get(oid);
    if (!relation) throw new Error(`the stream changes table ${oid}, which it has not described`);
    return relation;
  };

  return function decode(bytes) {
    const reader = new Reader(bytes);
    switch (reader.byte()) {
      case 'B': {
        const commitLsn = reader.int64();
        reader.int64(); // The commit's time: clocks order nothing here.
        return { kind: 'begin', commitLsn, xid: reader.int32() };
      }
      case 'C': {
        reader.byte();
        reader.int64();
        return { kind: 'commit', endLsn: reader.int64() };
      }
      case 'R': {
        const relation = readRelation(reader);
        relations.set(relation.oid, relation);
        return { kind: 'relation', relation };
      }
      case 'I': {
        const relation = described(reader.int32());
        reader.byte();
        return { kind: 'insert', relation, after: readTuple(reader, relation) };
      }
      case 'U': {
        const relation = described(reader.int32());
        const which = reader.byte();
        const before = which === 'N' ? undefined : readTuple(reader, relation);
        if (before) reader.byte();
        return { kind: 'update', relation, before, after: readTuple(reader, relation) };
      }
      case 'D': {
        const relation = described(reader.int32());
        reader.byte();
        return { kind: 'delete', relation, before: readTuple(reader, relation) };
      }
      case 'T':
        return { kind: 'truncate' };
      case 'M': {
        reader.byte(); // Whether it is of the transaction; ours are.
        reader.int64();
        return { kind: 'message', prefix: reader.string() };
      }
      default:
        return { kind: 'other' }; // Origin, Type: nothing of a row.
    }
  };
}

function readRelation(reader: Reader): Relation {
  const oid = reader.int32();
  const table = `${reader.string()}.${reader.string()}`;
  const identity = reader.byte();
  const columns: RelationColumn[] = [];
  for (let count = reader.int16(); count > 0; count--) {
    reader.byte(); // Whether it is part of the key.
    columns.push({ name: reader.string(), typeOid: reader.int32(), typeModifier: reader.signed32() });
  }
  return { oid, table, identity, columns };
}

function readTuple(reader: Reader, relation: Relation): Tuple {
  const row: Record<string, Cell> = {};
  const unchanged: string[] = [];
  const count = reader.int16();
  for (const { name } of relation.columns.slice(0, count)) {
    const kind = reader.byte();
    if (kind === 't') row[name] = reader.text(reader.int32());
    else if (kind === 'n') row[name] = null;
    else if (kind === 'u') unchanged.push(name);
    else throw new Error(`a value of unknown kind ${kind} in ${relation.table}.${name}`);
  }
  return { row, unchanged };
}
