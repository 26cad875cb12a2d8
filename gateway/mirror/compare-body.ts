// The differences between two bodies, each read as what its Content-Type says it is. Pure, and the part of comparing that
// takes time: comparer.ts moves it to a thread of its own when bodies are large.
import { createHash } from 'node:crypto';
import { compareJson, WORK_MAX } from './compare-json.ts';
import { compareLines } from './compare-lines.ts';
import { decodeText, formatOf, type MediaType, readMediaType } from './content.ts';
import { type Difference, Findings } from './difference.ts';
import { type Json, parseJson } from './json.ts';
import type { CompiledRules } from './rules.ts';
import { compareSpelling } from './spelling.ts';

/** A body, its content codings undone. */
export interface Body {
  readonly bytes: Uint8Array;
  readonly contentType: string | undefined;
}

const DIGEST_LENGTH = 16;
/** Blank as JSON has it (RFC 8259 section 2), not as Unicode has it. */
const BLANK_LINE = /^[ \t\r]*$/;

/** @throws {TooMuchWork} when the documents take more than `workMax` looks at values to be compared as their rules want. */
export function compareBodies(
  legacy: Body,
  fresh: Body,
  rules: CompiledRules,
  workMax = WORK_MAX,
): readonly Difference[] {
  const [left, right] = [legacy, fresh].map((body) => ({ ...body, type: readMediaType(body.contentType) })) as [
    TypedBody,
    TypedBody,
  ];
  const [format, other] = [formatOf(left.type), formatOf(right.type)];
  const isSameCode = format === 'bytes' || left.type.charset === right.type.charset;
  if (isSameCode && Buffer.compare(left.bytes, right.bytes) === 0) return [];
  if (format === other && format === 'lines') {
    const texts = [left, right].map(({ bytes, type }) => decodeText(bytes, type.charset));
    if (texts[0] !== undefined && texts[1] !== undefined) return compareLines(texts[0], texts[1], rules.line);
  }
  if (format === other && format === 'json') {
    const [a, b] = [utf8Of(left), utf8Of(right)];
    const differences = a && b && compareSpelling(a, b, rules.root, workMax);
    if (differences) return differences;
  }
  const [a, b] = [readDocument(left), readDocument(right)];
  if (a && b && format === other) {
    return format === 'form'
      ? compareJson(multimap(a, b), multimap(b, a), rules.root, workMax)
      : compareJson(a.value, b.value, rules.root, workMax);
  }
  const findings = new Findings();
  findings.add({
    ...{ path: '$', at: () => '', kind: Boolean(a) === Boolean(b) && format === other ? 'changed' : 'type' },
    ...{ legacy: () => describe(left), new: () => describe(right), rules: rules.root.rules },
  });
  return findings.found;
}

interface TypedBody extends Body {
  readonly type: MediaType;
}

/** A document, boxed because `null` is one. */
interface Document {
  readonly value: Json;
}

/** The body as a document; undefined when it is none, whatever its type says. */
function readDocument({ bytes, type }: TypedBody): Document | undefined {
  const format = formatOf(type);
  if (format === 'lines' || format === 'bytes') return undefined;
  const text = decodeText(bytes, type.charset);
  if (text === undefined) return undefined;
  if (format === 'form') return readForm(text);
  try {
    if (format === 'json') return { value: parseJson(text) };
    const lines = text.split('\n').filter((line) => !BLANK_LINE.test(line));
    return { value: lines.map(parseJson) };
  } catch (error) {
    if (error instanceof SyntaxError) return undefined;
    throw error;
  }
}

/** The bytes in UTF-8, in which JSON is compared without being parsed; undefined when they are no text. */
function utf8Of({ bytes, type }: TypedBody): Uint8Array | undefined {
  if (type.charset === 'utf-8') return bytes;
  const text = decodeText(bytes, type.charset);
  return text === undefined ? undefined : Buffer.from(text);
}

/** Every name with the list of its values. No document when escapes are not UTF-8: the parser would read all those alike. */
function readForm(text: string): Document | undefined {
  if (!isDecodable(text)) return undefined;
  const fields = new Map<string, string[]>();
  for (const [name, value] of new URLSearchParams(text)) {
    const values = fields.get(name);
    if (values) values.push(value);
    else fields.set(name, [value]);
  }
  return { value: fields };
}

function isDecodable(escaped: string): boolean {
  try {
    decodeURIComponent(escaped);
    return true;
  } catch {
    return false;
  }
}

/** A form whose fields are plain texts where neither side has several values of one name, so that paths are as expected. */
function multimap({ value }: Document, { value: other }: Document): Json {
  if (!(value instanceof Map && other instanceof Map)) return value;
  const isSingle = (values: Json | undefined) => values === undefined || (Array.isArray(values) && values.length === 1);
  return new Map(
    [...value].map(([name, values]: [string, Json]) => {
      const isPlain = isSingle(values) && isSingle(other.get(name)) && Array.isArray(values);
      return [name, isPlain ? (values[0] ?? null) : values];
    }),
  );
}

/** A body that is no document is only described: nobody knows what is in it, and differences are shown and kept. */
function describe({ bytes, contentType }: TypedBody): string {
  const digest = createHash('sha256').update(bytes).digest('hex').slice(0, DIGEST_LENGTH);
  return `${bytes.length} bytes, ${contentType ?? 'no content-type'}, sha256 ${digest}…`;
}
