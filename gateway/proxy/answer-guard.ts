// Checks of an upstream's answer that undici's parser lets through although an intermediary must not.
import { responseHeaders } from './headers.ts';

type Raw = readonly (Buffer | string)[];

/**
 * Whether the end of this answer is beyond doubt (RFC 9112 section 6.3): chunked once and alone, or not at all. Another
 * coding would have to be passed on, which a field of this connection cannot be.
 */
export function isWellFramed(raw: Raw): boolean {
  let isChunked = false;
  for (let i = 0; i < raw.length; i += 2) {
    if (raw[i]?.length !== 17 || raw[i]?.toString('latin1').toLowerCase() !== 'transfer-encoding') continue;
    if (isChunked || raw[i + 1]?.toString('latin1').trim().toLowerCase() !== 'chunked') return false;
    isChunked = true;
  }
  return true;
}

/** The fields for the client: RFC 9110 section 8.6 forbids a length where there can be no content, and some clients wait for it. */
export function answerHeaders(status: number, raw: Raw): string[] {
  const headers = responseHeaders(raw);
  if (status >= 200 && status !== 204) return headers;
  return headers.filter((_, i) => headers[i - (i % 2)]?.toLowerCase() !== 'content-length');
}

const VISIBLE = /^[\t\x20-\x7e]*$/;

/** The reason phrase, which nobody acts upon, unless it has bytes that cannot be written as they came. */
export function reasonPhrase(text: string | undefined): string {
  return text !== undefined && VISIBLE.test(text) ? text : '';
}
