import { setTimeout as delay } from 'node:timers/promises';

/** Rejects with `label` when `promise` has not settled within `limitMs`: a test that hangs must say what it waited for. */
export async function within<T>(promise: Promise<T>, label: string, limitMs = 10_000): Promise<T> {
  const cancel = new AbortController();
  const deadline = delay(limitMs, undefined, { signal: cancel.signal }).then(() => {
    throw new Error(`waited ${limitMs} ms for ${label}`);
  });
  deadline.catch(() => {});
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    cancel.abort();
  }
}

/** Polls `probe` until it answers something other than undefined or false; for states that announce themselves by no event. */
export async function eventually<T>(
  probe: () => T | undefined | false | Promise<T | undefined | false>,
  label: string,
  limitMs = 10_000,
): Promise<T> {
  const endsAt = Date.now() + limitMs;
  for (;;) {
    const value = await probe();
    if (value !== undefined && value !== false) return value;
    if (Date.now() > endsAt) throw new Error(`waited ${limitMs} ms for ${label}`);
    await delay(10);
  }
}
