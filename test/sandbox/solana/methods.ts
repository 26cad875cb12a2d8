// The JSON-RPC methods of the sandbox's chain, with the shapes that agave answers.
import { type Address, address, getAddressDecoder, getAddressEncoder, isAddress } from '@solana/kit';
import { TOKEN_PROGRAM_ADDRESS } from '@solana-program/token';
import * as z from 'zod';
import type { Chain } from './chain.ts';
import { RpcError } from './errors.ts';
import { TOKEN_2022_PROGRAM_ADDRESS } from './tokens.ts';
import { createTransactions } from './transactions.ts';

const API_VERSION = '3.1.8';
const SLOTS_PER_EPOCH = 432_000;
const LARGEST_MAX = 20;
const FEE_ACCOUNTS_MAX = 128;
const FEE_SLOTS = 150;
const ACCOUNTS_MAX = 100;
declare global {
  interface JSON {
    /** ECMAScript 2026; TypeScript does not know it yet. */
    rawJSON(text: string): unknown;
  }
}

/** No double holds it: JSON.rawJSON writes it as the number it is. */
const RENT_EPOCH = JSON.rawJSON('18446744073709551615');

export type RpcMethod = (params: readonly unknown[]) => unknown;

const options = z.object({ encoding: z.string().optional(), minContextSlot: z.number().optional() }).optional();
const mintOrProgram = z.union([z.object({ mint: z.string() }), z.object({ programId: z.string() })]);

function addressOf(given: unknown): Address {
  if (typeof given === 'string' && isAddress(given)) return address(given);
  throw new RpcError('invalidParams', 'Invalid param: WrongSize');
}

const tokenAmount = (amount: bigint, decimals: number) => ({
  amount: String(amount),
  decimals,
  uiAmount: Number(amount) / 10 ** decimals,
  uiAmountString: String(Number(amount) / 10 ** decimals),
});

/** `lagSlots` is how far the node behind this RPC says it is behind. */
export function createMethods(chain: Chain, lagSlots: () => number): Readonly<Record<string, RpcMethod>> {
  const { svm } = chain;
  const slot = () => chain.slot() - lagSlots();
  const withContext = (value: unknown) => ({ context: { apiVersion: API_VERSION, slot: slot() }, value });
  const programNames = new Map<string, string>([
    [TOKEN_PROGRAM_ADDRESS, 'spl-token'],
    [TOKEN_2022_PROGRAM_ADDRESS, 'spl-token-2022'],
  ]);
  const asAddress = (bytes: Uint8Array) => getAddressDecoder().decode(bytes);

  function decimalsOf(mint: Address): number {
    const account = svm.getAccount(mint);
    if (!account.exists || !programNames.has(account.programAddress)) {
      throw new RpcError('invalidParams', 'Invalid param: not a Token mint');
    }
    return account.data[44] ?? 0;
  }

  function tokenAccounts(): { pubkey: Address; program: Address; data: Buffer; lamports: bigint }[] {
    return [TOKEN_PROGRAM_ADDRESS, TOKEN_2022_PROGRAM_ADDRESS].flatMap((program) =>
      svm
        .getProgramAccounts(program)
        .filter(({ data }) => data.length === 165 || data[165] === 2)
        .map((each) => ({ pubkey: each.address, program, data: Buffer.from(each.data), lamports: each.lamports })),
    );
  }

  function parsedTokenAccount({ program, data, lamports }: ReturnType<typeof tokenAccounts>[number]) {
    const mint = asAddress(data.subarray(0, 32));
    const info = {
      isNative: data.readUInt32LE(109) === 1,
      mint,
      owner: asAddress(data.subarray(32, 64)),
      state: data[108] === 2 ? 'frozen' : 'initialized',
      tokenAmount: tokenAmount(data.readBigUInt64LE(64), decimalsOf(mint)),
    };
    return {
      data: { program: programNames.get(program), parsed: { info, type: 'account' }, space: data.length },
      executable: false,
      lamports: JSON.rawJSON(String(lamports)),
      owner: program,
      rentEpoch: RENT_EPOCH,
      space: data.length,
    };
  }

  function accountView(given: string, encoding: string): unknown {
    if (encoding !== 'base64') throw new RpcError('invalidParams', `the encoding ${encoding} is not given here`);
    const account = svm.getAccount(addressOf(given));
    if (!account.exists) return null;
    return {
      data: [Buffer.from(account.data).toString('base64'), 'base64'],
      executable: account.executable,
      lamports: JSON.rawJSON(String(account.lamports)),
      owner: account.programAddress,
      rentEpoch: RENT_EPOCH,
      space: account.data.length,
    };
  }

  const transactions = createTransactions(chain, accountView);
  const encodingOf = (given: unknown) => options.parse(given)?.encoding ?? 'base64';

  return {
    getHealth() {
      if (lagSlots() <= 128) return 'ok';
      throw new RpcError('unhealthy', `Node is behind by ${lagSlots()} slots`, { numSlotsBehind: lagSlots() });
    },
    getVersion: () => ({ 'solana-core': API_VERSION, 'feature-set': 1 }),
    getSlot: slot,
    getBlockHeight: slot,
    getEpochInfo: () => ({
      absoluteSlot: slot(),
      blockHeight: slot(),
      epoch: Math.floor(slot() / SLOTS_PER_EPOCH),
      slotIndex: slot() % SLOTS_PER_EPOCH,
      slotsInEpoch: SLOTS_PER_EPOCH,
      transactionCount: null,
    }),
    getBalance: ([who]) => withContext(JSON.rawJSON(String(svm.getBalance(addressOf(who)) ?? 0n))),
    getAccountInfo: ([who, given]) => withContext(accountView(addressOf(who), encodingOf(given))),
    getMultipleAccounts: ([who, given]) =>
      withContext(
        z
          .array(z.string())
          .max(ACCOUNTS_MAX)
          .parse(who)
          .map((each) => accountView(addressOf(each), encodingOf(given))),
      ),
    getTokenAccountsByOwner([owner, filter]) {
      const who = addressOf(owner);
      const wanted = mintOrProgram.parse(filter);
      const bytes = Buffer.from(getAddressEncoder().encode(who));
      const value = tokenAccounts()
        .filter(({ data }) => data.subarray(32, 64).equals(bytes))
        .filter(({ program, data }) =>
          'mint' in wanted ? asAddress(data.subarray(0, 32)) === wanted.mint : program === wanted.programId,
        )
        .map((each) => ({ pubkey: each.pubkey, account: parsedTokenAccount(each) }));
      return withContext(value);
    },
    getTokenSupply([given]) {
      const mint = addressOf(given);
      const decimals = decimalsOf(mint);
      const account = svm.getAccount(mint);
      const supply = account.exists ? Buffer.from(account.data).readBigUInt64LE(36) : 0n;
      return withContext(tokenAmount(supply, decimals));
    },
    getTokenLargestAccounts([given]) {
      const mint = addressOf(given);
      const decimals = decimalsOf(mint);
      const wanted = Buffer.from(getAddressEncoder().encode(mint));
      const value = tokenAccounts()
        .filter(({ data }) => data.subarray(0, 32).equals(wanted))
        .map(({ pubkey, data }) => ({ address: pubkey, amount: data.readBigUInt64LE(64) }))
        .sort((a, b) => (a.amount > b.amount ? -1 : a.amount < b.amount ? 1 : a.address < b.address ? -1 : 1))
        .slice(0, LARGEST_MAX)
        .map((each) => ({ address: each.address, ...tokenAmount(each.amount, decimals) }));
      return withContext(value);
    },
    getRecentPrioritizationFees([accounts = []]) {
      z.array(z.string()).max(FEE_ACCOUNTS_MAX).parse(accounts);
      const last = slot();
      // The same curve for ever: mostly cheap, now and then a rush.
      return Array.from({ length: FEE_SLOTS }, (_, index) => {
        const each = last - FEE_SLOTS + 1 + index;
        return { slot: each, prioritizationFee: each % 10 === 0 ? 500_000 : each % 3 === 0 ? 120_000 : 20_000 };
      });
    },
    getLatestBlockhash: () => withContext(chain.latestBlockhash()),
    isBlockhashValid: ([hash]) => withContext(chain.isBlockhashValid(String(hash))),
    getSignatureStatuses: (params) => withContext(transactions.statuses(params)),
    simulateTransaction: (params) => withContext(transactions.simulate(params)),
    sendTransaction: (params) => transactions.send(params),
  };
}
