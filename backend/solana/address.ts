// Addresses in requests.
import { isAddress } from '@solana/addresses';
import { z } from 'zod';

/** A field that holds an address: base58 of 32 bytes. */
export const addressField = (name: string) =>
  z.string({ error: `${name} is required` }).refine((text) => isAddress(text), `${name} is no address of Solana`);
