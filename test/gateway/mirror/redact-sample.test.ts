import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { judge } from '../../../gateway/mirror/compare.ts';
import { createEvidence } from '../../../gateway/mirror/evidence.ts';
import type { Json } from '../../../gateway/mirror/json.ts';
import { compileRules } from '../../../gateway/mirror/rules.ts';
import { aCompareConfig } from '../../helpers/gateway-config.ts';
import { documents, write } from '../../helpers/json-documents.ts';
import { anObservation } from '../../helpers/observations.ts';
import { SECRET_HEADERS, SECRET_NAMES } from './secret-names.ts';

describe('a whole sample', () => {
  const MARKER = 'hunter2-7f3a';
  const secretNames = fc.constantFrom(...SECRET_NAMES);
  const marked = fc.oneof(
    fc.constant<Json>(MARKER),
    documents.map((document): Json => [document, MARKER]),
    documents.map(
      (document): Json =>
        new Map([
          [
            'deep',
            new Map([
              ['value', MARKER],
              ['other', document],
            ]),
          ],
        ]),
    ),
  );
  /** Any document with the marker planted under secret names, or beside them, at any depth. */
  const bodies = fc
    .tuple(
      documents,
      fc.array(
        fc.tuple(secretNames, marked, fc.array(fc.constantFrom('a', 'b', '[]'), { maxLength: 4 }), fc.boolean()),
        {
          minLength: 1,
          maxLength: 3,
        },
      ),
    )
    .map(([document, plants]) =>
      plants.reduce<Json>((inner, [name, value, around, isPaired]) => {
        const planted: Json = new Map<string, Json>([
          ['inner', inner],
          ...(isPaired
            ? ([
                ['name', name],
                ['value', value],
              ] as const)
            : ([[name, value]] as const)),
        ]);
        return around.reduce<Json>((at, step) => (step === '[]' ? [at] : new Map([[step, at]])), planted);
      }, document),
    );
  const types = fc.constantFrom('application/json', 'application/problem+json', 'text/html');
  const textOf = (body: Json | string) => (typeof body === 'string' ? body : write(body));
  const texts = fc.oneof(
    { weight: 4, arbitrary: bodies },
    { weight: 1, arbitrary: fc.constant(`password: ${MARKER} <b>`) },
  );
  const fields = fc
    .array(fc.tuple(fc.constantFrom(...SECRET_HEADERS), fc.constantFrom(`Bearer ${MARKER}`, `sid=${MARKER}; Path=/`)), {
      maxLength: 3,
    })
    .map((pairs) => pairs.flat());
  const targets = fc
    .array(fc.tuple(fc.oneof(secretNames, secretNames.map(encodeURIComponent)), fc.constantFrom('&', '#', '&x=1&')), {
      minLength: 1,
      maxLength: 3,
    })
    .map((parameters) => `/orders?a=1${parameters.map(([name, before]) => `${before}${name}=${MARKER}`).join('')}`);

  test('secrets under any names at any depth of bodies, headers and targets, then nowhere in it', async () => {
    const rules = compileRules(
      aCompareConfig({ headers: ['content-type', 'location', 'set-cookie', 'x-signature', 'authorization'] }),
      {
        today: '2026-01-05',
        statusClass: 2,
      },
    );
    let kept = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(texts, texts),
        fc.tuple(types, types),
        fc.tuple(fields, fields),
        targets,
        async (sideBodies, sideTypes, sideFields, target) => {
          const [legacy, fresh] = (['legacy', 'new'] as const).map((side, i) =>
            anObservation(side, {
              body: textOf(sideBodies[i] ?? ''),
              headers: [
                'Content-Type',
                sideTypes[i] ?? '',
                ...(sideFields[i] ?? []),
                'Location',
                `https://host${target}`,
              ],
              durationMs: i,
            }),
          );
          if (!legacy || !fresh) assert.fail();
          const pair = { legacy, new: fresh, copied: 'new' } as const;
          const evidence = createEvidence(() => new Date(0));
          const verdict = await judge(pair, () => rules);
          const request = { requestId: 'id', method: 'POST', target, headers: legacy.headers, body: legacy.body };
          evidence.record('r', request, pair, verdict);
          const samples = evidence.samples('r');
          kept += samples.length;
          assert.equal(JSON.stringify(samples).includes(MARKER), false);
          assert.equal(JSON.stringify(evidence.of('r')).includes(MARKER), false);
        },
      ),
      { numRuns: 500 },
    );
    assert.ok(kept > 100, 'samples were made');
  });
});
