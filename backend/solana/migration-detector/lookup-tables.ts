// Addresses that a transaction takes from lookup tables: looked up where the server did not tell them.
import { type Address, address, getAddressDecoder } from '@solana/kit';
import type { Clock } from '../../domain/ids.ts';
import { createKept } from '../../domain/kept.ts';
import type { AddressTableLookup } from '../geyser/schema.ts';

/** What an account holds, undefined when there is none. Rejects when nobody can say. The RPC client's. */
export type AccountData = (account: Address) => Promise<Uint8Array | undefined>;

/** LookupTableMeta: kind, slots of deactivation and last extension, index, authority; padded. Addresses follow. */
const META_BYTES = 56;
const ADDRESS_BYTES = 32;
const LOOKUP_TABLE_KIND = 1;
const TABLES_KEPT_MAX = 1000;
/** Tables only grow, and what is added may be used one slot later. */
const FRESH_MS = 60_000;

export type LookupTables = {
  /** Writable addresses of all tables, then the readonly ones (the order of instructions' indexes); undefined: not all are known. */
  readonly resolve: (lookups: readonly AddressTableLookup[]) => Promise<readonly Uint8Array[] | undefined>;
};

/** The addresses in a table's account; undefined when it is none. */
export function tableOf(data: Uint8Array): readonly Uint8Array[] | undefined {
  const kind = data.length >= META_BYTES ? new DataView(data.buffer, data.byteOffset).getUint32(0, true) : undefined;
  if (kind !== LOOKUP_TABLE_KIND) return undefined;
  const count = Math.floor((data.length - META_BYTES) / ADDRESS_BYTES);
  return Array.from({ length: count }, (_, i) => {
    const start = META_BYTES + i * ADDRESS_BYTES;
    return data.subarray(start, start + ADDRESS_BYTES);
  });
}

export function createLookupTables({ accountData, now }: { accountData: AccountData; now: Clock }): LookupTables {
  const addresses = getAddressDecoder();
  const tables = createKept({
    load: async (account: string) => tableOf((await accountData(address(account))) ?? new Uint8Array()),
    now,
    freshMs: FRESH_MS,
    keysMax: TABLES_KEPT_MAX,
    isWorthKeeping: (table) => table !== undefined,
  });

  async function take(lookups: readonly AddressTableLookup[], which: 'writableIndexes' | 'readonlyIndexes') {
    const found = await Promise.all(
      lookups.map(async (lookup) => {
        const table = await tables.ask(addresses.decode(lookup.accountKey));
        return Array.from(lookup[which], (index) => table?.[index]);
      }),
    );
    return found.flat();
  }

  return {
    async resolve(lookups) {
      if (lookups.some(({ accountKey }) => accountKey.length !== ADDRESS_BYTES)) return undefined;
      const all = [...(await take(lookups, 'writableIndexes')), ...(await take(lookups, 'readonlyIndexes'))];
      const known = all.filter((each) => each !== undefined);
      return known.length === all.length ? known : undefined;
    },
  };
}
