// What a method promises (RFC 9110 sections 9.2.1 and 9.2.2). TRACE is safe too, but never forwarded.
const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

/** Whether the method asks for no change, so that sending it twice, or to a second backend, does no harm. */
export function isSafe(method: string): boolean {
  return SAFE.has(method);
}

/** Whether doing it twice is the same as doing it once. */
export function isIdempotent(method: string): boolean {
  return SAFE.has(method) || method === 'PUT' || method === 'DELETE';
}
