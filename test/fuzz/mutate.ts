// Inputs made of others: bytes flipped, cut, doubled, joined with those of another, and tokens put in that mean something.
// The same random numbers, the same input.

/** Numbers in [0, 1), the same for the same seed (mulberry32, by Tommy Ettinger, public domain). */
export function createRandom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const INPUT_BYTES_MAX = 8_192;
const CHANGES_MAX = 6;
/** At the edges of lengths and signs. */
const BYTES = [0x00, 0x01, 0x7f, 0x80, 0xff, 0x0a, 0x0d, 0x20, 0x22, 0x25, 0x2e, 0x2f, 0x5c, 0x7b, 0x7d];

export interface MutateOptions {
  readonly corpus: readonly Buffer[];
  readonly tokens: readonly string[];
  readonly random: () => number;
}

/** One more input. */
export function mutate({ corpus, tokens, random }: MutateOptions): Buffer {
  const below = (count: number) => Math.floor(random() * count);
  const pick = <T>(items: readonly T[]): T | undefined => items[below(items.length)];
  const any = () => pick(corpus) ?? Buffer.alloc(0);
  let input = any();
  const spliced = (at: number, removed: number, put: Uint8Array) =>
    Buffer.concat([input.subarray(0, at), put, input.subarray(at + removed)]);
  const changes: readonly (() => Buffer)[] = [
    () => spliced(below(input.length), 1, Buffer.of((input[below(input.length)] ?? 0) ^ (1 << below(8)))),
    () => spliced(below(input.length), 1, Buffer.of(pick(BYTES) ?? 0)),
    () => spliced(below(input.length + 1), 0, Buffer.of(below(256))),
    () => spliced(below(input.length), below(16), Buffer.alloc(0)),
    () => spliced(below(input.length + 1), 0, Buffer.from(pick(tokens) ?? '', 'latin1')),
    () => {
      const from = below(input.length);
      return spliced(below(input.length + 1), 0, input.subarray(from, from + below(64)));
    },
    () => {
      const other = any();
      return Buffer.concat([input.subarray(0, below(input.length)), other.subarray(below(other.length))]);
    },
    () => input.subarray(0, below(input.length)),
  ];
  for (let left = below(CHANGES_MAX); left >= 0; left--) input = (pick(changes) ?? any)().subarray(0, INPUT_BYTES_MAX);
  return input;
}
