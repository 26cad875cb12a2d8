// Targets of notifications: what a configuration may say of them, and their secrets.
import assert from 'node:assert/strict';
import { afterEach, describe, test } from 'node:test';
import { ConfigError, parseGatewayConfig } from '../../config/load-gateway.ts';
import { notifications } from '../../config/notify-schema.ts';
import { readNotifyTargets } from '../../config/notify-targets.ts';
import { LEAST_CONFIG } from '../helpers/gateway-config.ts';

const HOOK = { name: 'hook', kind: 'webhook', url: 'https://hooks.example/x', secretEnv: 'TEST_HOOK' };
const SECRETS = [1, 2, 3].map((fill) => `whsec_${Buffer.alloc(32, fill).toString('base64')}`);

function problemsOf(work: () => unknown): string[] {
  try {
    work();
    return [];
  } catch (error) {
    assert.ok(error instanceof ConfigError);
    return error.problems.map(({ at, message }) => `${at}: ${message}`);
  }
}

describe('targets of notifications', () => {
  afterEach(() => {
    delete process.env.TEST_HOOK;
    delete process.env.TEST_CHANNEL;
  });
  const read = (...given: object[]) => readNotifyTargets(notifications.parse(given), 'banyan.yaml');

  test('a configuration that says too little or too much of them, then each place and what to do', () => {
    const given = [
      { ...HOOK, urlEnv: 'X' },
      { ...HOOK, kind: 'mail' },
      { ...HOOK, events: ['route.exploded'] },
      { ...HOOK, name: 'other', url: 'https://user:pass@hooks.example' },
    ];
    const text = JSON.stringify({ ...LEAST_CONFIG, notifications: given });
    const problems = problemsOf(() => parseGatewayConfig(text, 'banyan.yaml'));
    assert.ok(problems.includes('notifications[0].url: give url, or urlEnv, and not both'), problems.join('\n'));
    assert.ok(problems.includes('notifications[1].kind: expected kind: webhook, or kind: slack'), problems.join('\n'));
    assert.ok(problems.some((problem) => problem.startsWith('notifications[2].events[0]: expected "route.promoted"')));
    assert.ok(problems.includes('notifications[3].url: expected a URL without credentials'), problems.join('\n'));
    const twice = JSON.stringify({ ...LEAST_CONFIG, notifications: [HOOK, HOOK] });
    assert.deepEqual(
      problemsOf(() => parseGatewayConfig(twice, 'banyan.yaml')),
      ['notifications[1].name: two targets are called hook'],
    );
  });

  test('one secret or two, then as many keys, in their order', () => {
    process.env.TEST_HOOK = SECRETS.slice(0, 2).join(' ');
    assert.deepEqual(read(HOOK)[0]?.keys, [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]);
  });

  test('secrets that cannot be used, then what they have to be, and nothing of them', () => {
    for (const [secret, message] of [
      [undefined, /TEST_HOOK is not set/],
      ['plain-text-secret', /TEST_HOOK: expected whsec_ and 24 to 64 bytes in base64; make one with: echo/],
      [`whsec_${Buffer.alloc(8, 1).toString('base64')}`, /TEST_HOOK: expected whsec_/],
      [SECRETS.join(','), /TEST_HOOK has more than 2 secrets/],
    ] as const) {
      if (secret !== undefined) process.env.TEST_HOOK = secret;
      const [problem = '', ...others] = problemsOf(() => read(HOOK));
      assert.match(problem, /^notifications\[0\]\.secretEnv: /);
      assert.match(problem, message);
      assert.deepEqual([others, secret !== undefined && problem.includes(secret)], [[], false]);
    }
  });

  test('a URL in the environment, then it is read; one that is none is not repeated', () => {
    const channel = { name: 'channel', kind: 'slack', urlEnv: 'TEST_CHANNEL' };
    process.env.TEST_CHANNEL = 'https://hooks.slack.example/services/T/B/x';
    const [target] = read(channel);
    assert.deepEqual([target?.url, target?.keys, target?.severity], [process.env.TEST_CHANNEL, [], 'warning']);
    process.env.TEST_CHANNEL = 'hooks.slack.example/T/B/x';
    const message = 'TEST_CHANNEL is no URL such as https://hooks.example/banyan, without credentials';
    assert.deepEqual(
      problemsOf(() => read(channel)),
      [`notifications[0].urlEnv: ${message}`],
    );
  });
});
