// Bodies as they mean rather than as they were sent: content codings undone, for comparing only.
import type { Transform } from 'node:stream';
import { promisify } from 'node:util';
import {
  brotliDecompress,
  brotliDecompressSync,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
  gunzip,
  gunzipSync,
  inflate,
  inflateSync,
  zstdDecompress,
  zstdDecompressSync,
} from 'node:zlib';

/** A small body that unpacks to more than this is not compared; a hostile one must not exhaust memory. */
const DECODED_BYTES_MAX = 16_777_216;
/** The same for one that is unpacked while everything else waits. */
const DECODED_AT_ONCE_BYTES_MAX = 1_048_576;

const BROTLI_FIXED: readonly (readonly [major: number, minor: number, patch: number])[] = [
  [22, 23, 4],
  [24, 22, 1],
  [26, 12, 1],
];

interface Limit {
  readonly maxOutputLength: number;
}

/** A decoder that works elsewhere meanwhile, the same at once, and one that takes a stream as it comes. */
interface Decoder {
  readonly decode: (body: Buffer, limit: Limit) => Promise<Buffer>;
  readonly decodeAtOnce: (body: Buffer, limit: Limit) => Buffer;
  readonly unpack: () => Transform;
}

const GZIP: Decoder = { decode: promisify(gunzip), decodeAtOnce: gunzipSync, unpack: createGunzip };
const BROTLI: Decoder = {
  ...{ decode: promisify(brotliDecompress), decodeAtOnce: brotliDecompressSync, unpack: createBrotliDecompress },
};
const DECODERS: Readonly<Record<string, Decoder>> = {
  gzip: GZIP,
  'x-gzip': GZIP,
  deflate: { decode: promisify(inflate), decodeAtOnce: inflateSync, unpack: createInflate },
  zstd: { decode: promisify(zstdDecompress), decodeAtOnce: zstdDecompressSync, unpack: createZstdDecompress },
  ...(isBrotliSafe(process.versions.node) ? { br: BROTLI } : {}),
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

/** The decoders to apply, in their order; undefined when a coding is unknown. */
function decodersOf(contentEncoding: string | undefined): readonly Decoder[] | undefined {
  const codings = (contentEncoding ?? '')
    .split(',')
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== '' && coding !== 'identity')
    .reverse();
  const decoders = codings.flatMap((coding) => (Object.hasOwn(DECODERS, coding) ? (DECODERS[coding] ?? []) : []));
  return decoders.length === codings.length ? decoders : undefined;
}

/** What undoes a Content-Encoding as it comes, in the order in which it is to be undone; undefined when a coding is unknown. */
export function unpackersOf(contentEncoding: string | undefined): readonly (() => Transform)[] | undefined {
  return decodersOf(contentEncoding)?.map(({ unpack }) => unpack);
}

/** Undoes a Content-Encoding (RFC 9110 section 8.4). Undefined when a coding is unknown or the body is not in it. */
export async function decodeBody(body: Buffer, contentEncoding: string | undefined): Promise<Buffer | undefined> {
  if (body.length === 0) return body; // An answer to HEAD names the coding of a body that it does not have.
  const decoders = decodersOf(contentEncoding);
  let decoded = body;
  try {
    for (const { decode } of decoders ?? []) decoded = await decode(decoded, { maxOutputLength: DECODED_BYTES_MAX });
    return decoders && decoded;
  } catch {
    return undefined;
  }
}

/** The same without waiting, for bodies that do not become large: everything else waits for it. */
export function decodeBodyAtOnce(body: Buffer, contentEncoding: string | undefined): Buffer | undefined {
  if (body.length === 0) return body;
  const limit = { maxOutputLength: DECODED_AT_ONCE_BYTES_MAX };
  try {
    return decodersOf(contentEncoding)?.reduce((decoded, { decodeAtOnce }) => decodeAtOnce(decoded, limit), body);
  } catch {
    return undefined;
  }
}
