// Who is signed in. The token is exchanged for a cookie that scripts cannot read, and is not kept here.
import { computed, signal } from '@preact/signals';
import type { SessionAnswer } from './answers.ts';
import { read, write } from './api.ts';

/** Undefined until it is known; its `caller` is null while nobody is signed in. */
export const session = signal<SessionAnswer | undefined>(undefined);
export const caller = computed(() => session.value?.caller ?? null);

const RANKS = { viewer: 0, operator: 1, admin: 2 } as const;

/** Whether whoever is signed in may change things. The gateway decides; this only spares a refusal. */
export const mayOperate = computed(() => RANKS[caller.value?.role ?? 'viewer'] >= RANKS.operator);
export const mayForce = computed(() => caller.value?.role === 'admin');

/** Asks who is signed in. @throws {ApiError} */
export async function loadSession(): Promise<void> {
  session.value = (await read<SessionAnswer>('/api/session')).body;
}

/** @throws {ApiError} when the token is not taken */
export async function signIn(token: string): Promise<void> {
  await write('/api/session', { method: 'POST', body: { token } });
  await loadSession();
}

export async function signOut(): Promise<void> {
  await write('/api/session', { method: 'DELETE' });
  signedOut();
}

/** The session has ended, here or at the gateway. */
export function signedOut(): void {
  const known = session.peek();
  if (known) session.value = { ...known, caller: null, session: null };
}
