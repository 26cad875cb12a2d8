// A signed transaction as a client gives it.
import { getBase58Decoder, getTransactionDecoder, type SignatureBytes } from '@solana/kit';
import { fail } from '../../http.ts';

export type Signed = { readonly signature: string };

/** Reads what is needed of it. @throws {ProblemError} when it is none, or a signature is missing; whether they are right is asked of the chain. */
export function signedOf(wire: string): Signed {
  let signatures: readonly (SignatureBytes | null)[];
  try {
    signatures = Object.values(getTransactionDecoder().decode(Buffer.from(wire, 'base64')).signatures);
  } catch {
    return fail('invalid_request', 'transaction is none');
  }
  const [first] = signatures;
  if (!first || signatures.includes(null)) return fail('invalid_request', 'transaction is not signed by all who must');
  return { signature: getBase58Decoder().decode(first) };
}
