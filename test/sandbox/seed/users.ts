/** How many users the seed has. */
export const USER_COUNT = 200;

/**
 * The last users trade in the sandbox's traffic and hold the seed's unsettled orders (pending, unknown), so that their
 * data drifts apart between the sides for good reasons. Nobody compares them: reading tours and readers leave them out.
 */
export const TRADER_COUNT = 20;

/** "user-0001" for index 0. */
export function userId(index: number): string {
  return `user-${String(index + 1).padStart(4, '0')}`;
}

/** Whose data is the same on both sides from the first moment on. */
export const READERS: readonly string[] = Array.from({ length: USER_COUNT - TRADER_COUNT }, (_, i) => userId(i));

export const TRADERS: readonly string[] = Array.from({ length: TRADER_COUNT }, (_, i) =>
  userId(USER_COUNT - TRADER_COUNT + i),
);
