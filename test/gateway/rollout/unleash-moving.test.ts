import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { FlagsError } from '../../../gateway/rollout/flags.ts';
import { eventually } from '../../helpers/deadline.ts';
import { aFlag, answering, definitionsOf, isWrite } from '../../helpers/unleash.ts';
import { unleashBench } from './unleash-flags.ts';

const bench = unleashBench();

const to = (flag: string, percent: number, groupId = flag) => ({ flag, percent, groupId });
const refused = (kind: FlagsError['kind'], says: RegExp) => (error: unknown) => {
  assert.ok(error instanceof FlagsError, String(error));
  assert.match(error.message, says);
  assert.equal(error.kind, kind);
  return true;
};
const stored = (flag: string) => {
  const found = bench.unleash.flags.get(flag);
  return found && [found.enabled, ...found.strategies.map(({ parameters }) => parameters.rollout)];
};
const writes = () => bench.unleash.calls.filter(isWrite).length;

describe('making flags', () => {
  test('none are there, then gradual rollouts with their group and stickiness, switched as asked', async () => {
    const flags = await bench.open();
    await flags.ensure([to('a', 0, 'trade'), to('a.mirror', 10)]);
    const [a, mirror] = ['a', 'a.mirror'].map((name) => bench.unleash.flags.get(name));
    const strategy = (id: string, parameters: object) => [{ id, name: 'flexibleRollout', parameters, constraints: [] }];
    const userId = { stickiness: 'userId' };
    assert.deepEqual(
      { ...a },
      { name: 'a', enabled: false, strategies: strategy('made-1', { rollout: '0', ...userId, groupId: 'trade' }) },
    );
    assert.deepEqual(
      { ...mirror },
      {
        name: 'a.mirror',
        enabled: true,
        strategies: strategy('made-2', { rollout: '10', ...userId, groupId: 'a.mirror' }),
      },
    );
    assert.deepEqual([flags.exists('a'), flags.percent('a.mirror'), flags.problem()], [true, 10, undefined]);
  });

  test('one is there already, whatever it says, then only the other is made', async () => {
    bench.unleash.flags.set('a', aFlag('a', 77));
    const flags = await bench.open();
    await flags.ensure([to('a', 0), to('b', 0)]);
    assert.deepEqual(
      [stored('a'), stored('b')],
      [
        [true, '77'],
        [false, '0'],
      ],
    );
  });

  test('a name that is taken where the client token does not see it, then it stays, and it says so', async () => {
    bench.unleash.flags.set('a', aFlag('a', 77));
    bench.unleash.served = definitionsOf([]);
    const flags = await bench.open();
    await flags.ensure([to('a', 50)]);
    assert.deepEqual([stored('a'), flags.exists('a')], [[true, '77'], false]);
    assert.match(
      flags.problem() ?? '',
      /does not answer these flags, and so they are off: a; make them in its project default/,
    );
  });

  test('no admin token, then none is made, and it says which are missing', async () => {
    const flags = await bench.open({ admin: undefined });
    await flags.ensure([to('a', 0), to('a.mirror', 10)]);
    assert.equal(writes(), 0);
    assert.match(flags.problem() ?? '', /so they are off: a, a\.mirror; make them/);
  });

  test('no server when asked, then they are made once it is there', async () => {
    bench.unleash.fault = answering(503);
    const flags = await bench.open();
    await flags.ensure([to('a', 0), to('a.mirror', 10)]);
    assert.equal(flags.exists('a'), false);
    bench.unleash.fault = undefined;
    await eventually(() => flags.percent('a.mirror') === 10 && flags.problem() === undefined, 'the flags to be made');
  });

  test('a server that takes long, then it is not waited for, and the flags are made all the same', async () => {
    const flags = await bench.open({ patienceMs: 20, timeoutMs: 10_000 });
    await eventually(() => flags.problem() === undefined, 'the first answer');
    const answers: (() => void)[] = [];
    let isHeld = false;
    bench.unleash.fault = ({ method }, response) => {
      if (method !== 'POST' || isHeld) return false;
      isHeld = true;
      answers.push(() => response.writeHead(500).end());
      return true;
    };
    await flags.ensure([to('a', 30)]);
    assert.equal(flags.exists('a'), false);
    await eventually(() => answers.length > 0, 'it to be asked');
    for (const answer of answers) answer();
    await eventually(() => flags.percent('a') === 30, 'the flag to be made');
  });

  test('the server fails half way, then it says so, and what is missing of the flag is made later', async () => {
    bench.unleash.fault = answering(500, '', ({ path }) => path.endsWith('/strategies'));
    const flags = await bench.open();
    await flags.ensure([to('a', 30)]);
    assert.deepEqual([stored('a'), flags.isEnabled('a', 'u')], [[false], false]);
    assert.match(flags.problem() ?? '', /Unleash answers 500 when asked to make the flag a; see its log/);
    bench.unleash.fault = undefined;
    await eventually(() => flags.percent('a') === 30 && flags.problem() === undefined, 'the flag to be made whole');
    assert.deepEqual(stored('a'), [true, '30']);
  });

  test('made, and deleted at the server later, then it stays deleted', async () => {
    const flags = await bench.open();
    await flags.ensure([to('a', 0)]);
    await eventually(
      () => bench.unleash.calls.filter(({ path }) => path.endsWith('/client/features')).length > 2,
      'polls',
    );
    const before = writes();
    bench.unleash.flags.delete('a');
    await eventually(() => !flags.exists('a'), 'the flag to be gone');
    const calls = bench.unleash.calls.length;
    await eventually(() => bench.unleash.calls.length > calls + 2, 'more polls');
    assert.equal(writes(), before);
  });
});

describe('moving flags', () => {
  test('two flags, then the server has both, and they hold here before it answers them', async () => {
    bench.unleash.flags.set('a', aFlag('a', 0));
    bench.unleash.flags.set('a.mirror', aFlag('a.mirror', 50));
    const flags = await bench.open();
    bench.unleash.served = definitionsOf([aFlag('a', 0), aFlag('a.mirror', 50)]); // A server that is behind.
    let heard = 0;
    flags.onChange(() => heard++);
    await flags.set([to('a', 20), to('a.mirror', 0)]);
    assert.deepEqual(
      [stored('a'), stored('a.mirror')],
      [
        [true, '20'],
        [false, '50'],
      ],
    );
    const calls = bench.unleash.calls.length;
    await eventually(() => bench.unleash.calls.length > calls + 3, 'polls of what was before');
    assert.deepEqual([flags.percent('a'), flags.percent('a.mirror'), heard], [20, 0, 1]);
    bench.unleash.served = undefined;
    await eventually(() => /"default"/.test(JSON.stringify(flags.definitions())), 'the server to catch up');
    assert.deepEqual([flags.percent('a'), flags.percent('a.mirror')], [20, 0]);
  });

  test('a server that never catches up, then it is right in the end', async () => {
    bench.unleash.flags.set('a', aFlag('a', 0));
    let nowMs = 0;
    const flags = await bench.open({ nowMs: () => nowMs });
    bench.unleash.served = definitionsOf([aFlag('a', 0)]);
    await flags.set([to('a', 20)]);
    assert.equal(flags.percent('a'), 20);
    nowMs = 2_000;
    await eventually(() => flags.percent('a') === 0, 'what the server says to count');
  });

  test('it starts again right after a move, on a server that is behind, then what was moved holds', async () => {
    bench.unleash.flags.set('a', aFlag('a', 0));
    const flags = await bench.open();
    bench.unleash.served = definitionsOf([aFlag('a', 0)]);
    await flags.set([to('a', 20)]);
    await flags.close();
    const again = await bench.open();
    assert.deepEqual([again.percent('a'), again.problem()], [20, undefined]);
    bench.unleash.flags.set('a', aFlag('a', 30));
    bench.unleash.served = undefined;
    await eventually(() => again.percent('a') === 30, 'the server to count');
  });

  test('somebody moves the flag at the server right after, then that counts at once', async () => {
    bench.unleash.flags.set('a', aFlag('a', 0));
    const flags = await bench.open({ nowMs: () => 0 });
    await flags.set([to('a', 20)]);
    bench.unleash.flags.set('a', aFlag('a', 30));
    await eventually(() => flags.percent('a') === 30, 'their share');
  });

  test('a server that answers what is half way there, then what was moved holds', async () => {
    bench.unleash.flags.set('a', aFlag('a', 0));
    const flags = await bench.open({ nowMs: () => 0 });
    bench.unleash.served = definitionsOf([{ ...aFlag('a', 20), enabled: false }]);
    await flags.set([to('a', 20)]);
    const calls = bench.unleash.calls.length;
    await eventually(() => bench.unleash.calls.length > calls + 2, 'polls');
    assert.equal(flags.percent('a'), 20);
  });

  test('below 1 % and back, then parted by variants, and no more', async () => {
    bench.unleash.flags.set('a', aFlag('a', 0));
    const flags = await bench.open();
    await flags.set([to('a', 0.4)]);
    assert.equal(flags.percent('a'), 0.4);
    assert.deepEqual(bench.unleash.flags.get('a')?.strategies[0]?.variants, [
      { name: 'legacy', weight: 600, weightType: 'variable', stickiness: 'userId' },
      { name: 'new', weight: 400, weightType: 'fix', stickiness: 'userId' },
    ]);
    await flags.set([to('a', 3)]);
    const strategy = bench.unleash.flags.get('a')?.strategies[0];
    assert.deepEqual([strategy?.parameters.rollout, strategy?.variants], ['3', undefined]);
  });

  test('what else a person has set on the rollout, then it stays', async () => {
    bench.unleash.flags.set('a', aFlag('a', 5, { title: 'slowly', sortOrder: 3 } as object));
    const flags = await bench.open();
    await flags.set([to('a', 6)]);
    assert.deepEqual(bench.unleash.flags.get('a')?.strategies, [
      {
        ...{ id: 'a-1', name: 'flexibleRollout', constraints: [], title: 'slowly', sortOrder: 3 },
        parameters: { rollout: '6', stickiness: 'userId', groupId: 'a' },
      },
    ]);
  });

  test('a flag that is gone from the server, then it is made anew as asked', async () => {
    bench.unleash.flags.set('a', aFlag('a', 5));
    const flags = await bench.open();
    await flags.set([to('a', 10), to('a.mirror', 20)]);
    assert.deepEqual([stored('a'), stored('a.mirror'), flags.percent('a.mirror')], [[true, '10'], [true, '20'], 20]);
  });

  test('a strategy that is switched off, then it does not count', async () => {
    const flag = aFlag('a', 5);
    flag.strategies.unshift({ id: 'x', name: 'remoteAddress', parameters: {}, constraints: [], disabled: true });
    bench.unleash.flags.set('a', flag);
    const flags = await bench.open();
    await flags.set([to('a', 6)]);
    assert.deepEqual(stored('a'), [true, undefined, '6']);
  });

  test('a flag changed by hand, then neither it nor the other is moved, and the reason says what to do', async () => {
    bench.unleash.flags.set('a', aFlag('a', 5));
    bench.unleash.flags.set('a.mirror', aFlag('a.mirror', 5, { constraints: [{ contextName: 'userId' }] }));
    const flags = await bench.open();
    await assert.rejects(
      flags.set([to('a', 10), to('a.mirror', 10)]),
      refused(
        'conflict',
        /^a\.mirror was changed by hand .* is not rewritten: it has constraints; move it there, or leave it one plain/,
      ),
    );
    assert.equal(writes(), 0);
  });

  test('a flag changed by hand, then it can be switched off all the same, and keeps its shape', async () => {
    bench.unleash.flags.set('a', aFlag('a', 5, { constraints: [{ contextName: 'userId' }] }));
    const flags = await bench.open();
    await flags.set([to('a', 0)]);
    const { enabled, strategies } = bench.unleash.flags.get('a') ?? {};
    assert.deepEqual([enabled, strategies?.[0]?.constraints.length, flags.percent('a')], [false, 1, 0]);
  });

  test('no admin token, then refused, with what to do', async () => {
    bench.unleash.flags.set('a', aFlag('a', 5));
    const flags = await bench.open({ admin: undefined });
    await assert.rejects(flags.set([to('a', 10)]), refused('conflict', /move them in Unleash, or give it a token/));
  });
});

describe('a server that fails while flags are moved', () => {
  const both = [to('a', 20), to('a.mirror', 60)];
  async function opened() {
    bench.unleash.flags.set('a', aFlag('a', 0));
    bench.unleash.flags.set('a.mirror', aFlag('a.mirror', 50));
    return await bench.open();
  }
  const asBefore = [
    [false, '0'],
    [true, '50'],
  ];

  test('it refuses, then nothing is changed', async () => {
    const flags = await opened();
    bench.unleash.fault = answering(403, '{"message":"you may not"}', isWrite);
    await assert.rejects(flags.set(both), refused('source', /^Unleash answers 403 \(you may not\); /));
    bench.unleash.fault = undefined;
    assert.deepEqual([stored('a'), stored('a.mirror')], asBefore);
    assert.deepEqual([flags.percent('a'), flags.percent('a.mirror')], [0, 50]);
  });

  test('it fails at the second flag, then the first is put back', async () => {
    const flags = await opened();
    bench.unleash.fault = answering(
      500,
      '',
      (call) => call.method === 'PUT' && call.path.includes('a.mirror') && failOnce(),
    );
    let failures = 0;
    const failOnce = () => failures++ === 0;
    await assert.rejects(flags.set(both), refused('source', /^Unleash answers 500; nothing is changed$/));
    assert.deepEqual([stored('a'), stored('a.mirror')], asBefore);
  });

  test('it does as told and does not say so, then that is put back too', async () => {
    const flags = await opened();
    let isLost = false;
    bench.unleash.fault = ({ path }, response) => {
      if (isLost || !path.endsWith('/a/environments/development/on')) return false;
      isLost = true;
      const flag = bench.unleash.flags.get('a');
      if (flag) flag.enabled = true;
      response.destroy();
      return true;
    };
    await assert.rejects(flags.set(both), refused('source', /^Unleash cannot be reached: .*; nothing is changed$/));
    assert.deepEqual([stored('a'), stored('a.mirror')], asBefore);
  });

  test('it fails for good after the first flag, then it says which may have been moved, and what is in force is what the server says', async () => {
    const flags = await opened();
    let writesSeen = 0;
    bench.unleash.fault = answering(500, '', (call) => isWrite(call) && ++writesSeen > 2);
    await assert.rejects(
      flags.set(both),
      refused(
        'source',
        /^Unleash answers 500; a\.mirror and a may have been moved and could not be put back: look at it in Unleash$/,
      ),
    );
    await eventually(() => flags.percent('a') === 20, 'what the server says to be in force');
    assert.equal(flags.percent('a.mirror'), 50);
  });
});
