// What the console knows of the gateway, and how old that is. Answers are asked for again every few seconds, and at once
// when the gateway says that something has changed; while neither arrives, the page says so.
import { computed, effect, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { ApiError, read } from './api.ts';
import { signedOut } from './session.ts';

/** The page says that what it shows is stale when nothing was heard for so long. */
const STALE_MS = 4_000;
const TICK_MS = 500;
/** How often answers are asked for again; the operator chooses, since each costs the gateway a little. */
export const INTERVALS_MS = [1_000, 2_000, 5_000, 15_000] as const;
const INTERVAL_KEY = 'banyan.intervalMs';

export const nowMs = signal(Date.now());
setInterval(() => {
  nowMs.value = Date.now();
}, TICK_MS);

const storedInterval = Number(localStorage.getItem(INTERVAL_KEY));
export const intervalMs = signal<number>(INTERVALS_MS.find((each) => each === storedInterval) ?? 2_000);
effect(() => localStorage.setItem(INTERVAL_KEY, String(intervalMs.value)));

/** Whether the operator has stopped the page from moving under his eyes. */
export const paused = signal(false);

/** When the gateway was last heard of, and what went wrong since. */
export const heardMs = signal(Date.now());
export const trouble = signal<string | undefined>(undefined);
/** How long nothing has been heard, once that is too long; undefined while all is well. */
export const staleMs = computed(() => {
  const silentMs = nowMs.value - heardMs.value;
  return silentMs > Math.max(STALE_MS, paused.value ? Number.POSITIVE_INFINITY : intervalMs.value + 2_000)
    ? silentMs
    : undefined;
});

/** Grows whenever the gateway says that something has changed, or the operator has changed it. */
const changes = signal(0);
export function refresh(): void {
  changes.value++;
}

export interface Live<Body> {
  readonly body: Body | undefined;
  readonly etag: string | undefined;
  /** Why there is no newer answer; what was known before is still shown. */
  readonly error: ApiError | undefined;
}

/** What a path of the API answers, asked for again for as long as the component is on the page. */
export function useLive<Body>(path: string | undefined): ReadonlySignal<Live<Body>> {
  const live = useMemo(() => signal<Live<Body>>({ body: undefined, etag: undefined, error: undefined }), [path]);
  useEffect(() => {
    if (path === undefined) return;
    let stopped = false;
    let asking = false;
    const ask = async () => {
      // An answer that takes long is not asked for twice.
      if (asking || stopped) return;
      asking = true;
      try {
        const answer = await read<Body>(path);
        heard();
        if (!stopped) live.value = { ...answer, error: undefined };
      } catch (error) {
        if (!stopped) noteTrouble(error, live);
      } finally {
        asking = false;
      }
    };
    const stopFollowing = effect(() => {
      changes.value;
      void ask();
    });
    const stopPolling = effect(() => {
      if (paused.value) return;
      const timer = setInterval(() => document.hidden || void ask(), intervalMs.value);
      return () => clearInterval(timer);
    });
    return () => {
      stopped = true;
      stopFollowing();
      stopPolling();
    };
  }, [path, live]);
  return live;
}

function heard(): void {
  heardMs.value = Date.now();
  trouble.value = undefined;
}

function noteTrouble<Body>(error: unknown, live: Signal<Live<Body>>): void {
  if (!(error instanceof ApiError)) throw error;
  if (error.status === 401) signedOut();
  // An answer, be it a refusal, shows that the gateway is there.
  if (error.status === 0) trouble.value = error.message;
  else heardMs.value = Date.now();
  live.value = { ...live.peek(), error };
}

document.addEventListener('visibilitychange', () => {
  if (!document.hidden) refresh();
});

/** Follows the gateway's own account of what changes. The browser connects again by itself. */
export function followEvents(types: readonly string[]): () => void {
  const events = new EventSource('/api/events');
  for (const type of types) {
    events.addEventListener(type, () => {
      heard();
      if (!paused.value) refresh();
    });
  }
  return () => events.close();
}
