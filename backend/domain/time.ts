// Times as text: the API's form and the store's.

/** ISO 8601 in UTC with milliseconds and "Z". */
export const isoTime = (ms: number): string => new Date(ms).toISOString();

/** A stored time in the API's form: microseconds, which only rows from elsewhere have, are cut off. */
export const toMilliseconds = (stored: string): string => stored.replace(/\.(\d{3})\d*Z$/, '.$1Z');
