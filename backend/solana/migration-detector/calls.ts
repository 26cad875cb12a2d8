// What a transaction calls, in the order in which it does: its instructions, each followed by those that it led to.
import { getBase58Decoder } from '@solana/kit';
import type { InnerInstruction, Instruction, TransactionInfo, TransactionUpdate } from '../geyser/schema.ts';
import type { LookupTables } from './lookup-tables.ts';

export type Call = {
  readonly program: Uint8Array;
  /** Undefined where an index points to nothing. */
  readonly account: (at: number) => Uint8Array | undefined;
  readonly data: Uint8Array;
};

export type Calls =
  | { readonly kind: 'calls'; readonly signature: string; readonly slot: bigint; readonly calls: readonly Call[] }
  /** It failed, so that nothing of it happened. */
  | { readonly kind: 'failed' }
  /** Addresses or inner instructions of it are not known: what it did cannot be said. */
  | { readonly kind: 'unresolved'; readonly signature: string };

const base58 = getBase58Decoder();
const NO_TABLES: LookupTables = { resolve: async () => undefined };

/** Static keys, then those loaded writable, then those loaded readonly: what indexes count over. */
async function addressesOf(
  { transaction, meta }: TransactionInfo,
  tables: LookupTables,
): Promise<readonly Uint8Array[] | undefined> {
  const { accountKeys = [], addressTableLookups: lookups = [] } = transaction?.message ?? {};
  const loaded = [...(meta?.loadedWritableAddresses ?? []), ...(meta?.loadedReadonlyAddresses ?? [])];
  const count = lookups.reduce((sum, each) => sum + each.writableIndexes.length + each.readonlyIndexes.length, 0);
  if (loaded.length === count) return [...accountKeys, ...loaded];
  const resolved = await tables.resolve(lookups);
  return resolved && [...accountKeys, ...resolved];
}

/** Rejects only when the tables do. */
export async function callsOf(update: TransactionUpdate, tables: LookupTables = NO_TABLES): Promise<Calls> {
  const info = update.transaction;
  const { meta } = info ?? {};
  if (meta?.err) return { kind: 'failed' };
  const signature = base58.decode(info?.signature ?? new Uint8Array());
  const addresses = info && (await addressesOf(info, tables));
  if (!addresses || !meta || meta.innerInstructionsNone) return { kind: 'unresolved', signature };
  const callOf = ({ programIdIndex, accounts, data }: Instruction | InnerInstruction): Call[] => {
    const program = addresses[programIdIndex];
    return program ? [{ program, account: (at) => addresses[accounts[at] ?? -1], data }] : [];
  };
  const inner = new Map(meta.innerInstructions.map(({ index, instructions }) => [index, instructions]));
  const calls = (info.transaction?.message?.instructions ?? []).flatMap((instruction, index) => [
    ...callOf(instruction),
    ...(inner.get(index) ?? []).flatMap(callOf),
  ]);
  return { kind: 'calls', signature, slot: update.slot, calls };
}
