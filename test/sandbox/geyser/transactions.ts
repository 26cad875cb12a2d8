// Transactions as a Geyser server tells them, written down by what they call.
import type { TransactionUpdate } from '../../../backend/solana/geyser/schema.ts';

export type ChainInstruction = {
  readonly program: Uint8Array;
  readonly accounts: readonly Uint8Array[];
  readonly data: Uint8Array;
};

export type ChainCall = ChainInstruction & { readonly inner?: readonly ChainInstruction[] };

export type ChainTransaction = {
  readonly signature: Uint8Array;
  readonly failed: boolean;
  /** Those that the message itself names. */
  readonly accounts: readonly Uint8Array[];
  readonly loadedWritable: readonly Uint8Array[];
  readonly loadedReadonly: readonly Uint8Array[];
  readonly calls: readonly ChainCall[];
};

/** Which addresses come from a lookup table instead of the message. */
export type Loaded = (address: Uint8Array) => boolean;

const hex = (address: Uint8Array) => Buffer.from(address).toString('hex');

/** A transaction of these calls; its addresses are collected from them. Inner instructions of a failed one are not told. */
export function transactionOf(
  signature: Uint8Array,
  calls: readonly ChainCall[],
  { failed = false, isLoaded = () => false }: { failed?: boolean; isLoaded?: Loaded } = {},
): ChainTransaction {
  const all = new Map<string, Uint8Array>();
  for (const call of calls)
    for (const { program, accounts } of [call, ...(call.inner ?? [])])
      for (const address of [...accounts, program]) all.set(hex(address), address);
  const accounts = [...all.values()].filter((address) => !isLoaded(address));
  return { signature, failed, accounts, loadedWritable: [], loadedReadonly: [...all.values()].filter(isLoaded), calls };
}

export function transactionUpdate(slot: bigint, transaction: ChainTransaction): TransactionUpdate {
  const { signature, failed, accounts, loadedWritable, loadedReadonly, calls } = transaction;
  const indexes = new Map([...accounts, ...loadedWritable, ...loadedReadonly].map((address, i) => [hex(address), i]));
  const indexOf = (address: Uint8Array) => indexes.get(hex(address)) ?? 0;
  const compiled = (instruction: ChainInstruction) => ({
    programIdIndex: indexOf(instruction.program),
    accounts: Uint8Array.from(instruction.accounts, indexOf),
    data: instruction.data,
  });
  const lookups = loadedReadonly.map((_, i) => ({
    accountKey: new Uint8Array(32).fill(250),
    writableIndexes: new Uint8Array(),
    readonlyIndexes: Uint8Array.of(i),
  }));
  return {
    slot,
    transaction: {
      signature,
      isVote: false,
      index: 0n,
      transaction: {
        signatures: [signature],
        message: {
          accountKeys: accounts,
          recentBlockhash: new Uint8Array(32),
          instructions: calls.map(compiled),
          versioned: lookups.length > 0,
          addressTableLookups: lookups,
        },
      },
      meta: {
        err: failed ? { err: Uint8Array.of(8, 0, 0, 0, 0, 25, 0, 0, 0) } : undefined,
        fee: 5000n,
        innerInstructions: calls.flatMap(({ inner = [] }, index) =>
          inner.length > 0
            ? [{ index, instructions: inner.map((each) => ({ ...compiled(each), stackHeight: 2 })) }]
            : [],
        ),
        logMessages: [],
        innerInstructionsNone: false,
        loadedWritableAddresses: loadedWritable,
        loadedReadonlyAddresses: loadedReadonly,
      },
    },
  };
}
