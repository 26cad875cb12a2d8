// JSON in the one spelling that everybody arrives at: RFC 8785, the JSON Canonicalization Scheme.

/**
 * Names sorted by their UTF-16 code units, no white space, numbers and texts as ECMAScript writes them. Members that are
 * undefined are left out. The value has to be plain JSON.
 */
export function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${JSON.stringify(name)}:${canonicalJson(member)}`);
  return `{${members.join()}}`;
}
