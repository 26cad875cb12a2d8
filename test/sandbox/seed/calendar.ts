import { createRandom, type Random } from './random.ts';

/** One listing event of the seed. Amounts are text with more digits than a float holds; times have microseconds. */
export interface SeedEvent {
  readonly vcoin_id: string;
  readonly symbol: string;
  readonly project_name: string;
  readonly first_open_time: string;
  readonly status: 'detected' | 'sniped' | 'missed';
  readonly launch_price: string | null;
  readonly token_supply: string | null;
  readonly details: object;
  readonly created_at: string;
}

const EVENT_COUNT = 300;
const FIRST_MS = Date.parse('2026-06-01T00:00:00.000Z');
const STEP_MS = 13 * 3_600_000;
const NAMES = [
  'Aurora',
  '月光',
  'Ñandú',
  'Ωmega',
  'Grüner Tee',
  'Кит',
  'Plain',
  '"Quoted"',
  "O'Token",
  'Zero\u200bWidth',
];

/** Every listing event, oldest first; the same at every call. */
export function allEvents(): readonly SeedEvent[] {
  const random = createRandom(0xca1e0da5);
  return Array.from({ length: EVENT_COUNT }, (_, i) => event(random, i));
}

function event(random: Random, index: number): SeedEvent {
  const opensMs = FIRST_MS + index * STEP_MS;
  return {
    vcoin_id: random.hex(32),
    symbol: `T${random.hex(5).toUpperCase()}USDT`,
    project_name: `${random.pick(NAMES)} ${index}`,
    first_open_time: micros(opensMs, random.int(0, 999)),
    status: random.pick(['detected', 'sniped', 'missed']),
    launch_price: random.chance(0.1) ? null : `0.${'0'.repeat(random.int(0, 9))}${random.int(1, 999_999_999)}`,
    token_supply: random.chance(0.1) ? null : `${random.int(1, 999_999_999)}${digits(random, 18)}`,
    details: {
      sts: random.int(1, 2),
      st: random.int(1, 2),
      tt: random.int(1, 4),
      links: [null, 'https://example.invalid/✓'],
    },
    created_at: micros(opensMs - random.int(13_000_000, 90_000_000), random.int(0, 999)),
  };
}

function micros(atMs: number, extraMicros: number): string {
  return new Date(atMs).toISOString().replace('Z', `${String(extraMicros).padStart(3, '0')}Z`);
}

function digits(random: Random, count: number): string {
  return Array.from({ length: count }, () => random.int(0, 9)).join('');
}
