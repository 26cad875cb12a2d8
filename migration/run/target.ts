// What a run asks of its target.
import type { Item } from '../../backend/store/items.ts';

export type Target = {
  /**
   * Puts a marked item, unless the one there is of the same or a higher version or the service's own: then 'kept'. Waits as
   * long as the target throttles. Rejects when the target refuses or does not answer; the item may be there then, and putting
   * it again is harmless.
   */
  readonly put: (item: Item) => Promise<'written' | 'kept'>;
};
