import assert from 'node:assert/strict';
import crypto, { createHash } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { OperatorRole } from '../../../../config/operator-schema.ts';
import { mayAct } from '../../../../gateway/operator/access/caller.ts';
import { bearerToken, compileTokens, type Tokens } from '../../../../gateway/operator/access/tokens.ts';

const configured = [
  { name: 'ops', role: 'admin', tokenEnv: 'OPS' },
  { name: 'desk', role: 'operator', tokenEnv: 'DESK' },
  { name: 'wall', role: 'viewer', tokenEnv: 'WALL' },
] as const;
const secrets = new Map([
  ['OPS', 'ops-secret'],
  ['DESK', 'desk-secret'],
]);
/** Who an Authorization field's token belongs to. */
function callerBy(tokens: Tokens, authorization: string | undefined) {
  const token = bearerToken(authorization);
  return token === undefined ? undefined : tokens.find(token)?.caller;
}
const known = compileTokens([...configured], secrets);
const authenticate = (authorization: string | undefined) => callerBy(known, authorization);

describe('tokens', () => {
  const rows: readonly (readonly [authorization: string | undefined, name: string | undefined])[] = [
    ['Bearer ops-secret', 'ops'],
    ['bearer ops-secret', 'ops'],
    ['BEARER   desk-secret', 'desk'],
    [undefined, undefined],
    ['', undefined],
    ['Bearer', undefined],
    ['Bearer ', undefined],
    ['ops-secret', undefined],
    ['Basic ops-secret', undefined],
    ['Bearer ops-secret ', undefined],
    ['Bearer ops-secret extra', undefined],
    ['Bearer OPS-SECRET', undefined],
    ['Bearer ops-secre', undefined],
    ['Bearer ops-secret1', undefined],
    ['Bearer undefined', undefined],
    ['Bearer WALL', undefined],
    ['xBearer ops-secret', undefined],
  ];
  for (const [authorization, name] of rows) {
    test(`${JSON.stringify(authorization)} is ${name ?? 'nobody'}`, () => {
      assert.equal(authenticate(authorization)?.name, name);
    });
  }

  test('a token is known, then the caller is its name and role and nothing of the secret', () => {
    assert.deepEqual(authenticate('Bearer desk-secret'), { name: 'desk', role: 'operator' });
  });

  test('a token is given by its SHA-256 alone, then it is known all the same', () => {
    const tokenSha256 = createHash('sha256').update('made-by-banyan-token').digest('hex');
    const hashed = compileTokens([{ name: 'ci', role: 'viewer', tokenSha256 }], new Map());
    assert.deepEqual(callerBy(hashed, 'Bearer made-by-banyan-token'), { name: 'ci', role: 'viewer' });
    assert.equal(callerBy(hashed, `Bearer ${tokenSha256}`), undefined);
  });

  test('a token leaves the configuration, then nobody holds it any more', () => {
    const found = known.find('ops-secret');
    assert.deepEqual(known.holder(found?.digest ?? ''), { name: 'ops', role: 'admin' });
    assert.equal(compileTokens(configured.slice(1), secrets).holder(found?.digest ?? ''), undefined);
  });

  test('any token is compared in constant time with each that is known, right or wrong, the first or the last', () => {
    const { timingSafeEqual } = crypto;
    let compared = 0;
    crypto.timingSafeEqual = (a, b) => {
      compared++;
      return timingSafeEqual(a, b);
    };
    syncBuiltinESMExports(); // So that whoever imported it by name calls this one.
    try {
      for (const token of ['ops-secret', 'desk-secret', 'wrong', 'ops-secre']) {
        compared = 0;
        known.find(token);
        assert.equal(compared, [...configured].filter(({ tokenEnv }) => secrets.has(tokenEnv ?? '')).length, token);
      }
    } finally {
      crypto.timingSafeEqual = timingSafeEqual;
      syncBuiltinESMExports();
    }
  });

  test('no secrets at all, then nobody gets in', () => {
    const closed = compileTokens([...configured], new Map());
    fc.assert(fc.property(fc.string(), (text) => assert.equal(callerBy(closed, `Bearer ${text}`), undefined)));
  });

  test('any other text, then nobody', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        fc.pre(![...secrets.values()].includes(text));
        assert.equal(authenticate(`Bearer ${text}`), undefined);
      }),
    );
  });
});

describe('roles', () => {
  const roles: readonly OperatorRole[] = ['viewer', 'operator', 'admin'];
  for (const [rank, role] of roles.entries()) {
    test(`${role} may what ${roles.slice(0, rank + 1).join(', ')} may, and no more`, () => {
      assert.deepEqual(
        roles.filter((needed) => mayAct({ name: 'x', role }, needed)),
        roles.slice(0, rank + 1),
      );
    });
  }
});
