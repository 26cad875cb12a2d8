// Bodies as they mean rather than as they were sent: content codings undone, for comparing only.
import { promisify } from 'node:util';
import { gunzip, gunzipSync, inflate, inflateSync, zstdDecompress, zstdDecompressSync } from 'node:zlib';

/** A small body that unpacks to more than this is not compared; a hostile one must not exhaust memory. */
const DECODED_BYTES_MAX = 16_777_216;
/** The same for one that is unpacked while everything else waits. */
const DECODED_AT_ONCE_BYTES_MAX = 1_048_576;

interface Limit {
  readonly maxOutputLength: number;
}

/** A decoder that works elsewhere meanwhile, and the same at once. */
interface Decoder {
  readonly decode: (body: Buffer, limit: Limit) => Promise<Buffer>;
  readonly decodeAtOnce: (body: Buffer, limit: Limit) => Buffer;
}

const GZIP: Decoder = { decode: promisify(gunzip), decodeAtOnce: gunzipSync };
const DECODERS: Readonly<Record<string, Decoder>> = {
  gzip: GZIP,
  'x-gzip': GZIP,
  deflate: { decode: promisify(inflate), decodeAtOnce: inflateSync },
  zstd: { decode: promisify(zstdDecompress), decodeAtOnce: zstdDecompressSync },
  // No Brotli: Node's decoder before the releases of October 2026 can be made to write out of bounds.
};

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
