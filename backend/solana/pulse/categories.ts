// The pulse's categories, by the names that channels and clients have for them.

/** In the order in which a token passes through them; it never goes back. */
export const CATEGORIES = ['new_pairs', 'final_stretch', 'migrated'] as const;
export type Category = (typeof CATEGORIES)[number];
