import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FeatureInterface } from 'unleash-client/lib/feature.js';
import {
  gradualRollout,
  handMade,
  parseFeatureFile,
  rolloutPercent,
  withRollout,
} from '../../../gateway/rollout/feature.ts';

const flexible = (rollout: unknown) => ({ name: 'flexibleRollout', parameters: { rollout }, constraints: [] });
const aFeature = (...strategies: { name: string; parameters?: Record<string, unknown> }[]): FeatureInterface => ({
  name: 'a',
  enabled: true,
  strategies: strategies.map((strategy) => ({ parameters: {}, constraints: [], ...strategy })),
});

describe('a feature file', () => {
  test('features as Unleash writes them, then with everything that it says', () => {
    const file = {
      version: 2,
      features: [
        {
          name: 'a',
          type: 'release',
          enabled: true,
          description: 'kept',
          strategies: [{ name: 'flexibleRollout', parameters: { rollout: '5' }, constraints: [], segments: [1] }],
          variants: [{ name: 'v', weight: 1000 }],
        },
      ],
      segments: [{ id: 1, name: 's', constraints: [] }],
      query: { environment: 'x' },
    };
    assert.deepEqual(parseFeatureFile(JSON.stringify(file)), file);
  });

  test('no version, then the second', () => {
    assert.deepEqual(parseFeatureFile('{"features":[]}'), { version: 2, features: [] });
  });

  const refused: readonly (readonly [text: string, problem: RegExp])[] = [
    ['', /JSON/],
    ['{"features":[', /JSON/],
    ['[]', /^not a feature file: /],
    ['{}', /^not a feature file: features: /],
    ['{"features":[{"name":"a"}]}', /^not a feature file: features\.0\.enabled: /],
    ['{"features":[{"name":"","enabled":true}]}', /^not a feature file: features\.0\.name: /],
    ['{"features":[{"name":"a","enabled":"yes"}]}', /^not a feature file: features\.0\.enabled: /],
    ['{"features":[{"name":"a","enabled":true,"strategies":{}}]}', /^not a feature file: features\.0\.strategies: /],
    [
      '{"features":[{"name":"a","enabled":true,"strategies":[{}]}]}',
      /^not a feature file: features\.0\.strategies\.0\.name: /,
    ],
  ];
  for (const [text, problem] of refused) {
    test(`${JSON.stringify(text)}, then refused with the place`, () => {
      assert.throws(
        () => parseFeatureFile(text),
        (error: Error) => problem.test(error.message),
      );
    });
  }
});

describe('the share of a feature', () => {
  const rows: readonly (readonly [what: string, feature: FeatureInterface | undefined, percent: number])[] = [
    ['none', undefined, 0],
    ['disabled', { ...aFeature(flexible('100')), enabled: false }, 0],
    ['without strategies', { name: 'a', enabled: true }, 100],
    ['with an empty list of them', aFeature(), 100],
    ['on by default', aFeature({ name: 'default' }), 100],
    ['rolled out', aFeature(flexible('25')), 25],
    ['rolled out, as a number', aFeature(flexible(25)), 25],
    ['rolled out twice', aFeature(flexible('25'), flexible('40')), 40],
    ['rolled out, and on by default', aFeature(flexible('25'), { name: 'default' }), 100],
    ['rolled out, and on for single users', aFeature(flexible('25'), { name: 'userWithId' }), 25],
    ['on for single users only', aFeature({ name: 'userWithId' }), 0],
    ['rolled out by nonsense', aFeature(flexible('many')), 0],
    ['rolled out by nothing', aFeature(flexible(undefined)), 0],
    ['rolled out too far', aFeature(flexible('250')), 100],
    ['rolled out below nothing', aFeature(flexible('-3')), 0],
  ];
  for (const [what, feature, percent] of rows) {
    test(`${what}: ${percent} %`, () => assert.equal(rolloutPercent(feature), percent));
  }

  test('every whole share, then a rollout of exactly that, off at none', () => {
    for (let percent = 0; percent <= 100; percent++) {
      const feature = gradualRollout('a', percent, 'g');
      assert.equal(rolloutPercent(feature), percent);
      assert.equal(feature.enabled, percent > 0);
    }
  });
});

describe('a rollout moved', () => {
  test('no feature yet, then a gradual rollout, sticky on the identity', () => {
    assert.deepEqual(withRollout(undefined, 'a', 5, 'trade'), {
      name: 'a',
      type: 'release',
      enabled: true,
      strategies: [
        {
          name: 'flexibleRollout',
          parameters: { rollout: '5', stickiness: 'userId', groupId: 'trade' },
          constraints: [],
        },
      ],
    });
  });

  test('what an operator has set besides, then it is kept', () => {
    const constraint = { contextName: 'region', operator: 'IN', inverted: false, values: ['eu'] };
    const testers = { name: 'userWithId', parameters: { userIds: 'tester-1' }, constraints: [] };
    const feature = {
      name: 'a',
      type: 'experiment',
      description: 'the trade route',
      project: 'default',
      enabled: false,
      stale: true,
      impressionData: true,
      variants: [{ name: 'v' }],
      strategies: [{ ...flexible('5'), title: 'slowly', constraints: [constraint], segments: [3] }, testers],
    } as unknown as FeatureInterface;
    assert.deepEqual(withRollout(feature, 'a', 20, 'trade'), {
      ...feature,
      enabled: true,
      strategies: [
        {
          name: 'flexibleRollout',
          title: 'slowly',
          parameters: { rollout: '20', stickiness: 'userId', groupId: 'trade' },
          constraints: [constraint],
          segments: [3],
        },
        testers,
      ],
    });
  });

  test('strategies with shares of their own, then one rollout in their place, so that the share is what was asked for', () => {
    const others = [
      flexible('5'),
      flexible('80'),
      { name: 'default' },
      { name: 'gradualRolloutUserId', parameters: { percentage: '90' } },
    ];
    for (const strategies of [others, others.slice(2), []]) {
      const moved = withRollout(aFeature(...strategies), 'a', 20, 'g');
      assert.equal(rolloutPercent(moved), 20);
      assert.deepEqual(
        moved.strategies?.map(({ name }) => name),
        ['flexibleRollout'],
      );
    }
  });

  test('down to nothing, then off, and on again as it was', () => {
    const off = withRollout(aFeature(flexible('50')), 'a', 0, 'g');
    assert.equal(off.enabled, false);
    assert.equal(rolloutPercent(off), 0);
    assert.equal(rolloutPercent(withRollout(off, 'a', 30, 'g')), 30);
  });
});

describe('below one per cent', () => {
  const splitOf = (feature: FeatureInterface) =>
    feature.strategies?.[0]?.variants?.map(({ name, weight }) => [name, weight]);

  test('a share, then a rollout to 1 % that two variants part', () => {
    const feature = gradualRollout('a', 0.25, 'g');
    assert.equal(feature.strategies?.[0]?.parameters.rollout, '1');
    assert.deepEqual(splitOf(feature), [
      ['legacy', 750],
      ['new', 250],
    ]);
  });

  test('every hundredth, then a feature of exactly that share', () => {
    for (let hundredths = 1; hundredths < 100; hundredths++) {
      const percent = hundredths / 100;
      assert.equal(rolloutPercent(gradualRollout('a', percent, 'g')), percent);
    }
  });

  test('moved up to whole per cents, then parted no more', () => {
    const moved = withRollout(gradualRollout('a', 0.25, 'g'), 'a', 2, 'g');
    assert.deepEqual(moved, gradualRollout('a', 2, 'g'));
  });

  test('variants of other names, then they part nothing, and stay', () => {
    const variants = [{ name: 'blue', weight: 500, stickiness: 'userId' }];
    const feature = aFeature({ ...flexible('5'), variants } as never);
    assert.equal(rolloutPercent(feature), 5);
    assert.deepEqual(withRollout(feature, 'a', 6, 'g').strategies?.[0]?.variants, variants);
  });
});

describe('what a person has made of a flag', () => {
  const plain = { name: 'flexibleRollout', parameters: { rollout: '5', stickiness: 'userId', groupId: 'g' } };
  const constraint = { contextName: 'region', operator: 'IN', inverted: false, values: ['eu'] };
  const rows: readonly (readonly [what: string, feature: FeatureInterface, notes: readonly string[]])[] = [
    ['what this gateway makes', gradualRollout('a', 5, 'g'), []],
    ['what it makes below 1 %', gradualRollout('a', 0.5, 'g'), []],
    ['sticky by default', aFeature({ ...plain, parameters: { rollout: '5', stickiness: 'default' } }), []],
    ['no strategies', aFeature(), []],
    [
      'two rollouts',
      aFeature(plain, { ...plain, parameters: { ...plain.parameters, rollout: '9' } }),
      ['has 2 strategies'],
    ],
    ['another strategy', aFeature({ name: 'remoteAddress' }), ['is decided by the strategy remoteAddress']],
    ['constraints', aFeature({ ...plain, constraints: [constraint] } as never), ['has constraints']],
    ['segments', aFeature({ ...plain, segments: [1] } as never), ['has segments']],
    [
      'variants',
      aFeature({ ...plain, variants: [{ name: 'blue', weight: 1000 }] } as never),
      ['has variants, which decide nothing here'],
    ],
    [
      'other stickiness and another group',
      aFeature({ ...plain, parameters: { rollout: '5', stickiness: 'sessionId', groupId: 'h' } }),
      ['is sticky on sessionId', 'picks users by the group h instead of g'],
    ],
    ['a parent', { ...aFeature(plain), dependencies: [{ feature: 'b' }] }, ['depends on other flags']],
  ];
  for (const [what, feature, notes] of rows) {
    test(`${what}: ${notes.join(', ') || 'nothing'}`, () => assert.deepEqual(handMade(feature, 'g'), notes));
  }
});
