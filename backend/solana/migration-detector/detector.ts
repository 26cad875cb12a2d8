// The migration detector: tells of curves that are sold out and of migrations to a pool, each once.
import { channels, type OnceNewsroom } from '../../bus/bus.ts';
import type { PumpEvent } from './pump-events.ts';

/** Where on the chain something happened. */
export type At = { readonly signature: string; readonly slot: bigint };

function messageOf(event: Extract<PumpEvent, { kind: 'completed' | 'migrated' }>, { signature, slot }: At) {
  const { mint, bondingCurve, timeMs } = event;
  const common = { token_address: mint, bonding_curve: bondingCurve, signature, slot: Number(slot), timestamp: timeMs };
  if (event.kind === 'completed') return common;
  const { pool, by, tokens, sol } = event;
  return { ...common, pool_address: pool, instruction: by, token_units: String(tokens), lamports: String(sol) };
}

/** Rejects when it could not be told; to be tried again, which tells nothing twice. */
export async function tellMigration(bus: OnceNewsroom, event: PumpEvent, at: At): Promise<void> {
  if (event.kind !== 'completed' && event.kind !== 'migrated') return;
  const type = event.kind === 'completed' ? 'curve_completed' : 'migration';
  // One transaction can migrate several tokens, and its completion and migration are two things.
  await bus.tellOnce(`${type}:${at.signature}:${event.mint}`, channels.migrations, type, messageOf(event, at));
}
