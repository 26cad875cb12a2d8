// Tokens whose own channel somebody listens to, in whichever instance: others' changes are told to nobody.
import { type Bus, channels } from '../../bus/bus.ts';

/** Tokens told of by themselves; the rest of what is listened to is left out. */
const WANTED_MAX = 1000;
const PREFIX = channels.tokenInfo('');

export type Wanted = {
  readonly has: (mint: string) => boolean;
  /** Never rejects: until it can be said again, it is what it was. */
  readonly look: () => Promise<void>;
};

export function createWanted(listened: Bus['listened'], raised: (operation: string, error: unknown) => void): Wanted {
  let mints: ReadonlySet<string> = new Set();
  return {
    has: (mint) => mints.has(mint),
    async look() {
      try {
        const names = await listened(PREFIX);
        mints = new Set(names.slice(0, WANTED_MAX).map((name) => name.slice(PREFIX.length)));
      } catch (error) {
        raised('pulse.wanted', error);
      }
    },
  };
}
