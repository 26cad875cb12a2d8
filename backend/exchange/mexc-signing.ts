// MEXC spot v3 signing: HMAC-SHA256 over exactly the string that is sent, lower-case hex, appended as the last parameter.
import { createHmac } from 'node:crypto';

/** Any other character is percent-escaped, in upper-case hex as the exchange demands of a signed string. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

export type Parameters = Readonly<Record<string, string | number | undefined>>;

/** `a=1&b=2` in the order given, without the undefined ones. */
export function queryString(parameters: Parameters): string {
  return Object.entries(parameters)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name}=${encode(String(value))}`)
    .join('&');
}

/** The signature of `totalParams`: the query string followed by the body, with nothing between the two. */
export function sign(secretKey: string, totalParams: string): string {
  return createHmac('sha256', secretKey).update(totalParams).digest('hex');
}

/** The query string to send: `parameters`, the time, the window, and the signature over all of it. */
export function signedQuery(
  secretKey: string,
  parameters: Parameters,
  time: { readonly timestampMs: number; readonly recvWindowMs: number },
): string {
  const unsigned = queryString({ ...parameters, recvWindow: time.recvWindowMs, timestamp: time.timestampMs });
  return `${unsigned}&signature=${sign(secretKey, unsigned)}`;
}
