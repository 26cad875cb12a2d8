// Trades of somebody who has never been on the chain, in one transaction that pays them in and is simulated only: what the largest
// holder or a known wallet may do with a token says nothing of what the next buyer may. Pure.
import { randomBytes } from 'node:crypto';
import {
  type Address,
  type AddressesByLookupTableAddress,
  address,
  appendTransactionMessageInstructions,
  type CompiledTransactionMessage,
  type CompiledTransactionMessageWithLifetime,
  compileTransaction,
  createNoopSigner,
  createTransactionMessage,
  decompileTransactionMessage,
  getAddressDecoder,
  getBase64EncodedWireTransaction,
  getCompiledTransactionMessageDecoder,
  getTransactionDecoder,
  pipe,
  setTransactionMessageFeePayer,
} from '@solana/kit';
import { COMPUTE_BUDGET_PROGRAM_ADDRESS, getSetComputeUnitLimitInstruction } from '@solana-program/compute-budget';
import { getTransferSolInstruction } from '@solana-program/system';
import type { Read } from '../accounts/mint.ts';
import { tableOf } from '../migration-detector/lookup-tables.ts';
import { TRANSACTION_BYTES_MAX } from '../simulate/routes.ts';

/** A transaction's most; both trades run in it. */
const COMPUTE_UNITS = 1_400_000;

/** An address that nobody can have heard of, so that no list can have it. */
export const newcomer = (): Address => getAddressDecoder().decode(randomBytes(32));

type Message = CompiledTransactionMessage & CompiledTransactionMessageWithLifetime;

function messageOf(transaction: string): Message | undefined {
  try {
    const { messageBytes } = getTransactionDecoder().decode(Buffer.from(transaction, 'base64'));
    return getCompiledTransactionMessageDecoder().decode(messageBytes);
  } catch {
    return undefined;
  }
}

/** The lookup tables that transactions take addresses from. */
export function tablesOf(transactions: readonly string[]): readonly Address[] {
  const lookups = transactions.flatMap((transaction) => {
    const message = messageOf(transaction);
    return message && 'addressTableLookups' in message ? (message.addressTableLookups ?? []) : [];
  });
  return [...new Set(lookups.map(({ lookupTableAddress }) => lookupTableAddress))];
}

/** What is in lookup tables, by what their accounts hold; those that are none are left out. */
export function addressesIn(tables: ReadonlyMap<Address, Uint8Array>): AddressesByLookupTableAddress {
  const decode = (bytes: Uint8Array) => getAddressDecoder().decode(bytes);
  const read = [...tables].flatMap(([table, data]) => {
    const addresses = tableOf(data);
    return addresses ? [[table, addresses.map(decode)] as const] : [];
  });
  return Object.fromEntries(read);
}

export type Trades = {
  /** Base64, signed by nobody. */
  readonly transaction: string;
  /** At which instruction each of the trades begins. */
  readonly beginAt: readonly number[];
};

export type TradesWanted = {
  /** Somebody with SOL, who pays `lamports` to the trader before all else. */
  readonly funder: string;
  readonly trader: Address;
  readonly lamports: bigint;
  /** The trader's, base64, in their order. */
  readonly transactions: readonly string[];
  readonly tables: AddressesByLookupTableAddress;
};

/** Several transactions of one trader as one. */
export function asOne({ funder, trader, lamports, transactions, tables }: TradesWanted): Read<Trades> {
  const payer = address(funder);
  const pay = getTransferSolInstruction({ source: createNoopSigner(payer), destination: trader, amount: lamports });
  const instructions = [getSetComputeUnitLimitInstruction({ units: COMPUTE_UNITS }), pay];
  const beginAt: number[] = [];
  const all: Parameters<typeof appendTransactionMessageInstructions>[0][number][] = [...instructions];
  try {
    for (const transaction of transactions) {
      const message = messageOf(transaction);
      if (!message) return { ok: false, reason: 'the exchange’s transaction cannot be read' };
      beginAt.push(all.length);
      const { instructions: own } = decompileTransactionMessage(message, { addressesByLookupTableAddress: tables });
      all.push(...own.filter(({ programAddress }) => programAddress !== COMPUTE_BUDGET_PROGRAM_ADDRESS));
    }
    const wire = pipe(
      createTransactionMessage({ version: 0 }),
      (message) => setTransactionMessageFeePayer(payer, message),
      (message) => appendTransactionMessageInstructions(all, message),
      compileTransaction,
      getBase64EncodedWireTransaction,
    );
    const bytes = Buffer.from(wire, 'base64').length;
    if (bytes > TRANSACTION_BYTES_MAX) return { ok: false, reason: `together they have ${bytes} bytes` };
    return { ok: true, value: { transaction: wire, beginAt } };
  } catch (error) {
    return { ok: false, reason: error instanceof Error ? error.message : 'they cannot be put together' };
  }
}
