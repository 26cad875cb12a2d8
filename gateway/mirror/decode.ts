// Bodies as they mean rather than as they were sent: content codings undone, for comparing only.
import { promisify } from 'node:util';
import { gunzip, inflate, zstdDecompress } from 'node:zlib';

/** A small body that unpacks to more than this is not compared; a hostile one must not exhaust memory. */
const DECODED_BYTES_MAX = 16_777_216;

const DECODERS: Readonly<Record<string, (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>>> = {
  gzip: promisify(gunzip),
  'x-gzip': promisify(gunzip),
  deflate: promisify(inflate),
  zstd: promisify(zstdDecompress),
  // No Brotli: Node's decoder before the releases of October 2026 can be made to write out of bounds.
};

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
