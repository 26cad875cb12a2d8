// Answers as they come in earnest: the same data, written by two services that agree on little else.
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { compareBodies } from '../../../gateway/mirror/compare-body.ts';
import { compileRules } from '../../../gateway/mirror/rules.ts';
import { aCompareConfig, REVIEWED } from '../../helpers/gateway-config.ts';
import { createRandom } from '../../helpers/json-documents.ts';

const PAIRS = 100_000;
const RULES = compileRules(
  aCompareConfig({
    ignore: [{ path: '$.server_time', ...REVIEWED }],
    normalise: [
      { path: '$..price', as: 'number', ...REVIEWED },
      { path: '$..quantity', as: 'number', ...REVIEWED },
      { path: '$..created_at', as: 'timestamp', ...REVIEWED },
      { path: '$..note', as: 'null-as-absent', ...REVIEWED },
    ],
    tolerate: [
      { path: '$..fee', relative: '0.001', ...REVIEWED },
      { path: '$..mark', ticks: 1, tickSize: '0.5', ...REVIEWED },
      { path: '$..updated_at', withinMs: 250, ...REVIEWED },
    ],
    enums: [
      { path: '$..status', ignoreCase: true, values: [{ legacy: 'PARTIAL', new: 'partially_filled' }], ...REVIEWED },
    ],
    arrays: [
      { path: '$.orders', key: 'order_id', unordered: true, ...REVIEWED },
      { path: '$..tags', unordered: true, ...REVIEWED },
    ],
  }),
  { today: '2026-01-05', statusClass: 2 },
);

type Random = () => number;
const whole = (random: Random, below: number) => Math.floor(random() * below);
const shuffled = <T>(items: readonly T[], random: Random): T[] =>
  items
    .map((item) => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);

/** One order as both sides write it. */
function anOrder(random: Random, id: number): readonly [legacy: string, fresh: string] {
  const [price, quantity, fee, mark] = [
    whole(random, 9_000_000) + 1,
    whole(random, 500),
    whole(random, 80_000) + 10_000,
    whole(random, 9_000),
  ];
  const createdMs = 1_767_607_200_000 + whole(random, 86_400_000);
  const status = (['NEW', 'FILLED', 'PARTIAL'] as const)[whole(random, 3)] ?? 'NEW';
  const decimal = `${Math.floor(price / 100)}.${String(price % 100).padStart(2, '0')}`;
  const tags = shuffled(['"a"', '"b"', '"c"', '"a"'], random);
  const iso = new Date(createdMs).toISOString();
  const legacy = [
    `"order_id":${id}`,
    `"price":${decimal}`,
    `"quantity":${quantity}.0`,
    `"fee":0.${fee}`,
    `"mark":${mark}.25`,
    `"status":"${status}"`,
    `"created_at":"${iso.replace('Z', '000+00:00')}"`,
    `"updated_at":"${iso}"`,
    `"note":null`,
    `"tags":[${tags.join()}]`,
  ];
  const fresh = [
    `"order_id":"${id}"`.replaceAll('"', (quote, at: number) => (at > 10 ? '' : quote)),
    `"price":"${decimal}${'0'.repeat(whole(random, 4))}"`,
    `"quantity":"${quantity}"`,
    `"fee":0.${fee + whole(random, 10)}`,
    `"mark":${mark}.${['25', '50', '75'][whole(random, 3)]}`,
    `"status":"${status === 'PARTIAL' ? 'partially_filled' : status.toLowerCase()}"`,
    `"created_at":${[createdMs, `"${iso}"`, `"${createdMs}000"`][whole(random, 3)]}`,
    `"updated_at":"${new Date(createdMs + whole(random, 251)).toISOString()}"`,
    `"tags":[${shuffled(tags, random).join()}]`,
  ];
  return [`{${legacy.join()}}`, `{${shuffled(fresh, random).join(', ')}}`];
}

type Order = ReturnType<typeof anOrder>;

/** Orders to make answers of: writing each anew would take longer than comparing it. */
function manyOrders(random: Random): readonly Order[] {
  return Array.from({ length: 3_000 }, (_, index) => anOrder(random, 900_719_925_474_099 + index));
}

/** Some orders that follow each other, which the new side writes the other way round. */
function aPair(random: Random, all: readonly Order[]): readonly [legacy: string, fresh: string] {
  const from = whole(random, all.length - 2);
  const orders = all.slice(from, from + 1 + whole(random, 2));
  const [legacy, fresh] = [orders.map(([text]) => text), orders.map(([, text]) => text).reverse()];
  return [
    `{"orders":[${legacy.join()}],"server_time":0}`,
    `{"server_time": ${whole(random, 1_000_000)},"orders":[${fresh.join()}]}`,
  ];
}

const body = (text: string) => ({ bytes: Buffer.from(text), contentType: 'application/json' });

describe('the same data, written by two services', () => {
  test(`${PAIRS} pairs, then not one difference that no rule covers`, () => {
    const random = createRandom(20_260_105);
    const orders = manyOrders(random);
    for (let i = 0; i < PAIRS; i++) {
      const [legacy, fresh] = aPair(random, orders);
      const found = compareBodies(body(legacy), body(fresh), RULES).filter(({ rule }) => rule === undefined);
      if (found.length > 0) assert.deepEqual(found, [], `${legacy}\n${fresh}`);
    }
  });

  test('beyond what rules allow, then found, in every pair', () => {
    const random = createRandom(1);
    const orders = manyOrders(random);
    const plants: readonly (readonly [from: RegExp, to: string, path: string])[] = [
      [/"price":"(\d+)/, '"price":"9$1', '$.orders[?order_id].price'],
      [/"fee":0\.(\d)/, '"fee":1.$1', '$.orders[?order_id].fee'],
      [/"mark":(\d)/, '"mark":-$1', '$.orders[?order_id].mark'],
      [/"status":"\w+"/, '"status":"rejected"', '$.orders[?order_id].status'],
      [/"updated_at":"2026/, '"updated_at":"2027', '$.orders[?order_id].updated_at'],
      [/"tags":\["\w"/, '"tags":["z"', '$.orders[?order_id].tags[*]'],
      [/"quantity":"\d+",?/, '', '$.orders[?order_id].quantity'],
    ];
    for (let i = 0; i < 2_000; i++) {
      const [legacy, fresh] = aPair(random, orders);
      const [from, to, path] = plants[i % plants.length] as (typeof plants)[number];
      const planted = fresh.replace(from, to).replace(/, *}/, '}');
      const found = compareBodies(body(legacy), body(planted), RULES).filter(({ rule }) => rule === undefined);
      assert.deepEqual([...new Set(found.map((each) => each.path))], [path], planted);
    }
  });
});
