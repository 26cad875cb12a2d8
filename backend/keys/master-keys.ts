// What wraps data keys: the port that a key management service fits behind, and keys of a file or the environment.
import type { MasterKeyList } from '../../config/master-keys.ts';
import { seal, unseal } from './envelope.ts';

export type Wrapped = { readonly masterKeyId: string; readonly wrapped: Buffer };

/**
 * The contract: `unwrap` gives back what `wrap` took, for the same context, as long as the master key is known; else it is
 * undefined. Both may reject when the service behind them cannot be reached. A master key itself never leaves.
 */
export type MasterKeys = {
  /** The key that `wrap` uses now. What another one wrapped should be wrapped anew. */
  readonly currentId: string;
  readonly wrap: (dataKey: Buffer, context: string) => Promise<Wrapped>;
  readonly unwrap: (wrapped: Wrapped, context: string) => Promise<Buffer | undefined>;
};

/** Keys that this process holds. The first wraps; any of them unwraps, so that a key is replaced without a stop. */
export function createLocalMasterKeys(list: MasterKeyList): MasterKeys {
  const [current] = list;
  const byId = new Map(list.map(({ id, key }) => [id, key]));
  return {
    currentId: current.id,
    wrap: async (dataKey, context) => ({ masterKeyId: current.id, wrapped: seal(current.key, dataKey, context) }),
    async unwrap({ masterKeyId, wrapped }, context) {
      const key = byId.get(masterKeyId);
      return key && unseal(key, wrapped, context);
    },
  };
}
