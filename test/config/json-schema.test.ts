import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { renderGatewayJsonSchema } from '../../config/json-schema.ts';
import { loadGatewayConfig } from '../../config/load-gateway.ts';

const fileOf = (name: string) => fileURLToPath(new URL(`../../config/${name}`, import.meta.url));

interface SchemaNode {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean;
  readonly items?: SchemaNode;
}

describe('JSON Schema of the configuration', () => {
  test('the committed file is what the schema renders; `npm run schema` writes it', () => {
    assert.equal(readFileSync(fileOf('banyan.schema.json'), 'utf8'), renderGatewayJsonSchema());
  });

  test('it asks only for what has no default, and refuses keys that nobody reads', () => {
    const schema = JSON.parse(renderGatewayJsonSchema()) as SchemaNode;
    assert.deepEqual(schema.required, ['version', 'listen', 'operator', 'upstreams', 'flags', 'ledger']);
    assert.deepEqual(schema.properties?.routes?.items?.required, ['id', 'match']);
    const open: string[] = [];
    const visit = (node: SchemaNode, at: string) => {
      if (node.properties && node.additionalProperties !== false) open.push(at);
      for (const [name, child] of Object.entries(node.properties ?? {})) visit(child, `${at}.${name}`);
      if (node.items) visit(node.items, `${at}[]`);
    };
    visit(schema, '$');
    assert.deepEqual(open, []);
  });

  test('the sandbox configuration passes, with its rules on the fields that the Python service spells its own way', () => {
    const config = loadGatewayConfig(fileOf('sandbox.yaml'));
    assert.deepEqual(
      config.routes.map(({ id }) => id),
      [
        'trade.order.create',
        'trade.order.get',
        'trade.order.cancel',
        'trade.orders.list',
        'positions.list',
        'sniper.calendar',
        'market.ticker',
        'solana.balance',
        'solana.safety',
        'solana.simulate',
        'solana.fees',
        'stream.trading',
        'stream.price',
        'stream.market',
        'stream.orders',
        'stream.pulse',
      ],
    );
    assert.deepEqual(new Set(config.routes.map(({ initialStage }) => initialStage)), new Set(['legacy']));
    const ofRequests = config.routes.filter(({ id }) => !id.startsWith('stream.'));
    const ofErrors = new Set(
      config.routes.find(({ id }) => id === 'solana.balance')?.compare.ignore.map(({ path }) => path),
    );
    const withoutNormalise: Record<string, unknown> = {};
    for (const { id, compare } of ofRequests.slice(1)) {
      assert.ok(compare.critical.includes('status'), id);
      if (compare.normalise.length > 0) continue;
      const ignored = compare.ignore.map(({ path }) => path).filter((path) => !ofErrors.has(path));
      withoutNormalise[id] = { ignored, enums: compare.enums.map(({ path }) => path) };
    }
    // The one has no field of both sides that they spell differently but its score, which is another number; the other its result.
    const score = ['$.mint', '$.score', '$.verdict', '$.parts', '$.checked_at', '$.warnings'];
    assert.deepEqual(withoutNormalise, {
      'solana.safety': { ignored: [...score, '$.is_honeypot', '$.can_burn', '$.has_liquidity'], enums: [] },
      'solana.simulate': { ignored: ['$.fee_lamports'], enums: ['$.result'] },
    });
  });
});
