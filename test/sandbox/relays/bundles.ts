// What a relay looks at before it takes transactions, and how it lands them on the sandbox's chain.
import { createHash } from 'node:crypto';
import { getCompiledTransactionMessageDecoder, getSignatureFromTransaction, getTransactionDecoder } from '@solana/kit';
import * as z from 'zod';
import { type RelayName, TIP_ACCOUNTS, TIP_MIN } from './tips.ts';

const TRANSACTION_BYTES_MAX = 1232;
const SYSTEM_PROGRAM = '11111111111111111111111111111111';
const TRANSFER = 2;

export interface Bundle {
  readonly transactions: readonly string[];
  readonly signatures: readonly string[];
  /** SHA-256 of the signatures joined with commas, as Jito's SDK makes it. */
  readonly id: string;
}

function decoded(wire: string) {
  const bytes = Buffer.from(wire, 'base64');
  if (bytes.length > TRANSACTION_BYTES_MAX) throw new Error('transaction too large');
  return getTransactionDecoder().decode(bytes);
}

/** Lamports that the transaction moves to any of the accounts, by transfers at its top level. */
function tipOf(wire: string, accounts: readonly string[]): bigint {
  const message = getCompiledTransactionMessageDecoder().decode(decoded(wire).messageBytes);
  if (!('instructions' in message)) return 0n;
  let sum = 0n;
  for (const { programAddressIndex, accountIndices = [], data = new Uint8Array() } of message.instructions) {
    const bytes = Buffer.from(data);
    const target = message.staticAccounts[accountIndices[1] ?? -1];
    const isTransfer = message.staticAccounts[programAddressIndex] === SYSTEM_PROGRAM && bytes.length === 12;
    if (!isTransfer || bytes.readUInt32LE(0) !== TRANSFER || !target || !accounts.includes(target)) continue;
    sum += bytes.readBigUInt64LE(4);
  }
  return sum;
}

/** The bundle, or why the relay does not take it. */
export function bundleOf(relay: RelayName, transactions: readonly string[], most: number): Bundle | string {
  const last = transactions.at(-1);
  if (last === undefined || transactions.length > most) return `a bundle has 1 to ${most} transactions`;
  try {
    const signatures = transactions.map((wire) => getSignatureFromTransaction(decoded(wire)));
    if (tipOf(last, TIP_ACCOUNTS[relay]) < TIP_MIN[relay]) return 'the last transaction has no tip to our accounts';
    const id = createHash('sha256').update(signatures.join(',')).digest('hex');
    return { transactions, signatures, id };
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

const answer = z.object({ result: z.unknown().optional(), error: z.unknown().optional() });
const simulated = z.object({ value: z.object({ err: z.unknown() }) });

async function rpc(url: string, method: string, params: readonly unknown[]): Promise<unknown> {
  const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
  const response = await fetch(url, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
  return answer.parse(await response.json()).result;
}

/**
 * Lands the transactions one after another unless the first would fail: a stand-in for all or nothing, which a relay decides by
 * simulating the whole.
 */
export async function land(rpcUrl: string, { transactions }: Bundle): Promise<'landed' | 'failed'> {
  const [first] = transactions;
  const tried = simulated.parse(
    await rpc(rpcUrl, 'simulateTransaction', [first, { encoding: 'base64', sigVerify: true }]),
  );
  if (tried.value.err !== null) return 'failed';
  for (const wire of transactions) {
    await rpc(rpcUrl, 'sendTransaction', [wire, { encoding: 'base64', skipPreflight: true }]);
  }
  return 'landed';
}
