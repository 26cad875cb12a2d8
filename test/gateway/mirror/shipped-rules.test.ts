// The rules that the sandbox ships with, on the answers that both of its sides write.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { parse } from 'yaml';
import { gatewaySchema } from '../../../config/gateway-schema.ts';
import { compareBodies } from '../../../gateway/mirror/compare-body.ts';
import { parseJson } from '../../../gateway/mirror/json.ts';
import { type CompiledRules, compileRules } from '../../../gateway/mirror/rules.ts';
import { listOf, orderOf, type Spelling } from '../../bench/workload.ts';
import { write } from '../../helpers/json-documents.ts';
import { mutations } from './mutations.ts';

const FILE = join(import.meta.dirname, '..', '..', '..', 'config', 'sandbox.yaml');
const { routes } = gatewaySchema.parse(parse(readFileSync(FILE, 'utf8'), { merge: true }));

function rulesOf(id: string): CompiledRules {
  const route = routes.find((each) => each.id === id);
  if (!route) throw new Error(`no route ${id} in ${FILE}`);
  return compileRules(route.compare, { today: '2026-01-05', statusClass: 2 });
}
const body = (text: string) => ({ bytes: Buffer.from(text), contentType: 'application/json' });

const answers: readonly (readonly [route: string, write: (side: Spelling) => string])[] = [
  ['trade.order.get', orderOf],
  ['trade.orders.list', (side) => listOf(3, side)],
];
for (const [route, answer] of answers) {
  describe(`an answer of ${route}`, () => {
    const rules = rulesOf(route);
    const find = (fresh: string) => compareBodies(body(answer('legacy')), body(fresh), rules);

    test('as both sides write it, then nothing that no rule covers', () => {
      assert.deepEqual(
        find(answer('new')).filter(({ rule }) => rule === undefined),
        [],
      );
    });

    test('with any single change, then that is found, where it is', () => {
      const seen = new Set<string>();
      for (const { kind, path, mutated } of mutations(parseJson(answer('new')))) {
        const found = find(write(mutated));
        const places = found.map((each) => each.path.replaceAll('[?order_id]', '[*]'));
        // A list by a key says which member is more or less, and a changed key makes another member.
        const isFound = places.some(
          (place) => place === path || place === `${path}[*]` || `${place}.order_id` === path,
        );
        assert.ok(isFound, `${kind} ${path}: ${places.join()}`);
        for (const each of found) seen.add(each.kind);
      }
      assert.ok(['changed', 'type', 'missing', 'extra'].every((kind) => seen.has(kind)));
    });
  });
}
