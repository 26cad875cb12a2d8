// Bodies as they mean rather than as they were sent: content codings undone, for comparing only.
import { promisify } from 'node:util';
import { brotliDecompress, gunzip, inflate, zstdDecompress } from 'node:zlib';

/** A small body that unpacks to more than this is not compared; a hostile one must not exhaust memory. */
const DECODED_BYTES_MAX = 16_777_216;

const BROTLI_FIXED: readonly (readonly [major: number, minor: number, patch: number])[] = [
  [22, 23, 4],
  [24, 22, 1],
  [26, 12, 1],
];

const DECODERS: Readonly<Record<string, (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>>> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  zstd: promisify(zstdDecompress),
  ...(isBrotliSafe(process.versions.node) ? { br: promisify(brotliDecompress) } : {}),
};

/**
 * Whether a Node's Brotli decoder is one that cannot be made to write out of bounds: those of the security releases of
 * October 2026, which are the first of their lines.
 */
export function isBrotliSafe(version: string): boolean {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number);
  const fixed = BROTLI_FIXED.find(([line]) => line === major);
  if (!fixed) return major > Math.max(...BROTLI_FIXED.map(([line]) => line));
  return minor > fixed[1] || (minor === fixed[1] && patch >= fixed[2]);
}

/** Undoes a Content-Encoding (RFC 9110 section 8.4). Undefined when a coding is unknown or the body is not in it. */
export async function decodeBody(body: Buffer, contentEncoding: string | undefined): Promise<Buffer | undefined> {
  const codings = (contentEncoding ?? '')
    .split(',')
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== '' && coding !== 'identity');
  if (body.length === 0) return body; // An answer to HEAD names the coding of a body that it does not have.
  let decoded = body;
  for (const coding of codings.reverse()) {
    const decode = Object.hasOwn(DECODERS, coding) ? DECODERS[coding] : undefined;
    if (!decode) return undefined;
    try {
      decoded = await decode(decoded, { maxOutputLength: DECODED_BYTES_MAX });
    } catch {
      return undefined;
    }
  }
  return decoded;
}
