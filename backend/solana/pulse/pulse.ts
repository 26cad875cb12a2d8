// The pulse: tokens by category, told of once when they come into one, and as they change at a steady rate.
import { channels, type Newsroom, type OnceNewsroom } from '../../bus/bus.ts';
import type { Decimal } from '../../domain/money.ts';
import type { At } from '../migration-detector/detector.ts';
import type { PumpEvent } from '../migration-detector/pump-events.ts';
import { type Token, tokenAfter, tokenView } from './token.ts';

/** Tokens remembered; the one that was heard of longest ago is forgotten. A busy day launches 30,000, most dead in minutes. */
export const TOKENS_MAX = 5000;
/** Changes of a token are told this often at most, with what it is at that moment. */
export const PUBLISH_EVERY_MS = 500;

export type PulseDeps = {
  readonly bus: Newsroom & OnceNewsroom;
  /** Of one SOL, in USD; undefined while nobody knows. */
  readonly solPrice: () => Decimal | undefined;
  /** What was known before. */
  readonly known: readonly Token[];
  readonly onForgotten: () => void;
  /** Whether anybody listens to the token's own channel. */
  readonly isWanted: (mint: string) => boolean;
  readonly tokensMax?: number;
};

export type Changes = { readonly changed: readonly Token[]; readonly forgotten: readonly string[] };

export type Pulse = {
  /** Rejects when an arrival in a category could not be told; then nothing has changed, and it is to be tried again. */
  readonly take: (event: PumpEvent, at: At) => Promise<void>;
  /** Tells what has changed since the last call. */
  readonly publish: () => void;
  /** What is not kept yet: tokens that changed, and tokens that were forgotten. */
  readonly changes: () => Changes;
  /** These are kept now. */
  readonly saved: (changes: Changes) => void;
  readonly size: () => number;
};

export function createPulse({ bus, solPrice, known, onForgotten, isWanted, tokensMax = TOKENS_MAX }: PulseDeps): Pulse {
  const tokens = new Map(known.map((token) => [token.mint, token]));
  const unpublished = new Set<string>();
  const unsaved = new Set<string>();
  const forgotten = new Set<string>();

  function forgetOldest(): void {
    for (const oldest of tokens.keys()) {
      if (tokens.size <= tokensMax) return;
      tokens.delete(oldest);
      unpublished.delete(oldest);
      unsaved.delete(oldest);
      if (forgotten.size < tokensMax) forgotten.add(oldest); // Else it stays where it is kept, until the next start.
      onForgotten();
    }
  }
  forgetOldest();

  return {
    async take(event, at) {
      const before = tokens.get(event.mint);
      const token = tokenAfter(before, event, at);
      if (token === before) return;
      const { category } = token;
      if (category && category !== before?.category) {
        const key = `pulse:${category}:${token.mint}`;
        const arrived = { ...token, signature: at.signature, slot: at.slot, timeMs: event.timeMs }; // Of this event, even where newer ones are known.
        await bus.tellOnce(key, channels.pulse(category), 'pulse_update', tokenView(arrived, solPrice()));
      }
      tokens.delete(token.mint); // Put back as the one heard of last.
      tokens.set(token.mint, token);
      unpublished.add(token.mint);
      unsaved.add(token.mint);
      forgotten.delete(token.mint);
      forgetOldest();
    },
    publish() {
      for (const mint of unpublished) {
        const token = tokens.get(mint);
        if (!token) continue;
        const view = tokenView(token, solPrice());
        if (token.category) bus.tell(channels.pulseUpdates(token.category), 'pulse_update', view);
        if (isWanted(mint)) bus.tell(channels.tokenInfo(mint), 'token_info', view);
      }
      unpublished.clear();
    },
    changes: () => ({ changed: [...unsaved].flatMap((mint) => tokens.get(mint) ?? []), forgotten: [...forgotten] }),
    saved(changes) {
      for (const token of changes.changed) if (tokens.get(token.mint) === token) unsaved.delete(token.mint);
      for (const mint of changes.forgotten) forgotten.delete(mint);
    },
    size: () => tokens.size,
  };
}
