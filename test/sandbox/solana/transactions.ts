// What the chain's RPC does with a transaction: simulate it, send it, tell what became of it.
import { getSignatureFromTransaction, getTransactionDecoder, type Transaction } from '@solana/kit';
import { FailedTransactionMetadata } from 'litesvm';
import * as z from 'zod';
import type { Chain } from './chain.ts';
import { preflightMessage, RpcError, rpcErrorOf } from './errors.ts';

/** Bytes of a transaction on the wire, at most. */
const TRANSACTION_BYTES_MAX = 1232;
const STATUSES_MAX = 10_000;
const FEE_PER_SIGNATURE = 5000;

const simulateOptions = z.object({
  encoding: z.enum(['base58', 'base64']).default('base58'),
  sigVerify: z.boolean().default(false),
  replaceRecentBlockhash: z.boolean().default(false),
  accounts: z.object({ addresses: z.array(z.string()), encoding: z.string().optional() }).optional(),
});
const sendOptions = z.object({
  encoding: z.enum(['base58', 'base64']).default('base58'),
  skipPreflight: z.boolean().default(false),
});

function decode(wire: unknown, encoding: string): Transaction {
  if (encoding !== 'base64') throw new RpcError('invalidParams', 'base58 transactions are not taken here');
  const bytes = Buffer.from(String(wire), 'base64');
  if (bytes.length > TRANSACTION_BYTES_MAX) {
    throw new RpcError('invalidParams', `base64 encoded too large: ${bytes.length} bytes (max: 1232 bytes)`);
  }
  try {
    return getTransactionDecoder().decode(bytes);
  } catch {
    throw new RpcError('invalidParams', 'failed to deserialize solana_transaction::versioned::VersionedTransaction');
  }
}

export type AccountView = (address: string, encoding: string) => unknown;

export function createTransactions(chain: Chain, accountView: AccountView) {
  const { svm, statuses } = chain;

  /** The err, what ran and what it cost; nothing of it stays. */
  function run(transaction: Transaction, verify: boolean, replaces: boolean) {
    const failed = (err: unknown) => ({ err, logs: [], units: 0, returnData: null });
    let lifetime: string;
    try {
      lifetime = chain.lifetimeOf(transaction);
      if (lifetime === '') throw new Error('it has no lifetime');
    } catch {
      throw new RpcError('invalidParams', 'failed to deserialize solana_message::versioned::VersionedMessage');
    }
    if (!replaces && !chain.isBlockhashValid(lifetime)) return failed('BlockhashNotFound');
    svm.withSigverify(verify);
    const result = svm.simulateTransaction(transaction);
    const meta = result.meta();
    return {
      err: result instanceof FailedTransactionMetadata ? rpcErrorOf(result) : null,
      logs: meta.logs(),
      units: Number(meta.computeUnitsConsumed()),
      returnData: null,
    };
  }

  return {
    simulate([wire, given = {}]: readonly unknown[]) {
      const options = simulateOptions.parse(given);
      if (options.sigVerify && options.replaceRecentBlockhash) {
        throw new RpcError('invalidParams', 'sigVerify may not be used with replaceRecentBlockhash');
      }
      const transaction = decode(wire, options.encoding);
      const { err, logs, units, returnData } = run(transaction, options.sigVerify, options.replaceRecentBlockhash);
      const { accounts } = options;
      return {
        err,
        logs: err === 'BlockhashNotFound' || err === 'SignatureFailure' ? null : logs,
        accounts: accounts ? accounts.addresses.map((each) => accountView(each, accounts.encoding ?? 'base64')) : null,
        unitsConsumed: units,
        loadedAccountsDataSize: 0,
        returnData,
        innerInstructions: null,
        replacementBlockhash: options.replaceRecentBlockhash ? chain.latestBlockhash() : null,
        fee: FEE_PER_SIGNATURE * Object.keys(transaction.signatures).length,
      };
    },

    send([wire, given = {}]: readonly unknown[]): string {
      const { encoding, skipPreflight } = sendOptions.parse(given);
      const transaction = decode(wire, encoding);
      let signature: string;
      try {
        signature = getSignatureFromTransaction(transaction);
      } catch {
        throw new RpcError('signature', 'Transaction signature verification failure');
      }
      if (statuses.has(signature)) return signature; // The network knows it: sending it again is harmless.
      if (!skipPreflight) {
        const { err, logs, units } = run(transaction, true, false);
        if (err === 'SignatureFailure') {
          throw new RpcError('signature', 'Transaction signature verification failure');
        }
        if (err !== null) {
          const data = { accounts: null, err, innerInstructions: null, logs, returnData: null, unitsConsumed: units };
          throw new RpcError('preflight', preflightMessage(err), data);
        }
      }
      if (!chain.isBlockhashValid(chain.lifetimeOf(transaction))) return signature; // Dropped, and nobody says so.
      svm.withSigverify(true);
      const result = svm.sendTransaction(transaction);
      const err = result instanceof FailedTransactionMetadata ? rpcErrorOf(result) : null;
      const [oldest] = statuses.keys();
      if (statuses.size >= STATUSES_MAX && oldest !== undefined) statuses.delete(oldest);
      statuses.set(signature, { slot: chain.slot(), err });
      return signature;
    },

    statuses([signatures]: readonly unknown[]) {
      const list = z.array(z.string()).max(256, 'Too many inputs provided; max 256').parse(signatures);
      return list.map((signature) => {
        const found = statuses.get(signature);
        if (!found) return null;
        const confirmations = chain.slot() - found.slot;
        const isFinal = confirmations > 31;
        return {
          slot: found.slot,
          confirmations: isFinal ? null : confirmations,
          err: found.err,
          status: found.err === null ? { Ok: null } : { Err: found.err },
          confirmationStatus: isFinal ? 'finalized' : confirmations > 1 ? 'confirmed' : 'processed',
        };
      });
    },
  };
}
