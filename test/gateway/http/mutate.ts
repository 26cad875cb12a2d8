// Mutants of a message: the same from the same seed.

/** mulberry32: small, and the same everywhere. */
export function seededRandom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** What parsers have been seen to disagree on. */
const PIECES = [
  ...[
    '\r',
    '\n',
    '\r\n',
    '\r\n\r\n',
    '\n\n',
    '\0',
    '\t',
    ' ',
    '\x0b',
    '\x0c',
    '\x7f',
    '\x80',
    '\xff',
    ':',
    ';',
    ',',
    '"',
  ],
  ...[
    '0',
    '1',
    '5',
    'a',
    '00',
    '0x',
    '+',
    '-',
    'ffffffffffffffff',
    '\r\n ',
    '\r\n\t',
    ' :',
    '#',
    '*',
    '/',
    '?',
    '%',
    '\\',
  ],
  ...[
    'Content-Length: 5\r\n',
    'Content-Length: 0\r\n',
    'Content-Length:\r\n',
    'content-length : 3\r\n',
    'Content-Length: 1, 1\r\n',
  ],
  ...['Transfer-Encoding: chunked\r\n', 'Transfer-Encoding: identity\r\n', 'transfer-encoding:\tchunked\r\n'],
  ...['Transfer-Encoding: gzip, chunked\r\n', 'Transfer_Encoding: chunked\r\n', 'Transfer-Encoding : chunked\r\n'],
  ...[
    'Host: y\r\n',
    'Connection: close\r\n',
    'Connection: content-length, host\r\n',
    'Expect: 100-continue\r\n',
    'TE: trailers\r\n',
  ],
  ...['0\r\n\r\n', '5\r\nhello\r\n', '5;a=b\r\nhello\r\n', '\r\n0\r\n\r\n', 'HTTP/1.0', 'HTTP/1.1', 'HTTP/2.0'],
  ...[
    'GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n',
    'POST /smuggled HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc',
    'TRACE ',
    'get ',
  ],
];

/** One to four changes: bytes replaced, pieces put in, parts cut out, doubled, or exchanged. */
export function mutate(message: string, random: () => number): string {
  let text = message;
  for (let left = 1 + Math.floor(random() * 4); left > 0; left--) {
    const at = Math.floor(random() * (text.length + 1));
    const to = Math.min(text.length, at + 1 + Math.floor(random() ** 3 * 20));
    const piece = PIECES[Math.floor(random() * PIECES.length)] ?? '';
    const kind = Math.floor(random() * 5);
    if (kind === 0) text = text.slice(0, at) + String.fromCharCode(Math.floor(random() * 256)) + text.slice(at + 1);
    else if (kind === 1) text = text.slice(0, at) + piece + text.slice(at);
    else if (kind === 2) text = text.slice(0, at) + piece + text.slice(to);
    else if (kind === 3) text = text.slice(0, at) + text.slice(to);
    else text = text.slice(0, to) + text.slice(at, to) + text.slice(to);
  }
  return text;
}
