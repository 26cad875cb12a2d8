// Signed transfers on the sandbox's chain, with a tip for each relay.
import {
  address,
  appendTransactionMessageInstructions,
  createTransactionMessage,
  generateKeyPairSigner,
  getBase64EncodedWireTransaction,
  getSignatureFromTransaction,
  type KeyPairSigner,
  lamports,
  pipe,
  setTransactionMessageFeePayerSigner,
  setTransactionMessageLifetimeUsingBlockhash,
  signTransactionMessageWithSigners,
} from '@solana/kit';
import { getTransferSolInstruction } from '@solana-program/system';
import { RELAY_NAMES, type RelayName, TIP_ACCOUNTS, TIP_MIN } from '../sandbox/relays/tips.ts';
import type { Chain } from '../sandbox/solana/chain.ts';

export type Transfer = { readonly transaction: string; readonly signature: string };

/** Enough for an account to exist. */
export const RENT_LAMPORTS = 1_000_000n;

/** Moves `amount` lamports from `payer`, who else is the treasury, to `to`. */
export async function transferOf(
  chain: Chain,
  to: string,
  amount: bigint,
  given: { payer?: KeyPairSigner; tips?: readonly RelayName[] } = {},
): Promise<Transfer> {
  const payer = given.payer ?? chain.treasury;
  const { blockhash, lastValidBlockHeight } = chain.latestBlockhash();
  const transfer = (destination: string, lamportsToMove: bigint) =>
    getTransferSolInstruction({
      source: payer,
      destination: address(destination),
      amount: lamports(lamportsToMove),
    });
  const tips = (given.tips ?? RELAY_NAMES).map((name) => transfer(TIP_ACCOUNTS[name][0], TIP_MIN[name]));
  const message = pipe(
    createTransactionMessage({ version: 0 }),
    (each) => setTransactionMessageFeePayerSigner(payer, each),
    (each) =>
      setTransactionMessageLifetimeUsingBlockhash(
        { blockhash, lastValidBlockHeight: BigInt(lastValidBlockHeight) },
        each,
      ),
    (each) => appendTransactionMessageInstructions([transfer(to, amount), ...tips], each),
  );
  const signed = await signTransactionMessageWithSigners(message);
  return { transaction: getBase64EncodedWireTransaction(signed), signature: getSignatureFromTransaction(signed) };
}

/** An address that nobody has used. */
export const newAddress = async (): Promise<string> => (await generateKeyPairSigner()).address;
