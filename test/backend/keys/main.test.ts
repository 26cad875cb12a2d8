import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import { within } from '../../helpers/deadline.ts';
import { startDynalite } from '../../helpers/dynamo.ts';

const master = (id: string) => `${id}:${randomBytes(32).toString('base64')}`;

test('the whole replacement of a master key, from the command line, without a secret on the screen', async () => {
  const dynamo = await startDynalite();
  try {
    const run = async (keys: string, args: readonly string[], input = '') => {
      const env = { PATH: process.env.PATH, DYNAMODB_ENDPOINT: dynamo.endpoint, MASTER_KEYS: keys };
      const child = spawn(process.execPath, ['backend/keys/main.ts', ...args], { env });
      child.stdin.end(input);
      const output = Promise.all([text(child.stdout), text(child.stderr), once(child, 'exit')]);
      const [stdout, stderr, [status]] = await within(output, `keys ${args.join(' ')} to end`, 30_000);
      assert.doesNotMatch(stdout + stderr, /very-secret/);
      return [status, stdout.trim(), stderr.trim()];
    };
    const [old, fresh] = [master('old'), master('new')];
    const keys = JSON.stringify({ apiKey: 'mx0carols-key', secretKey: 'very-secret' });
    assert.deepEqual(await run(old, ['put', 'carol'], keys), [0, 'stored the mexc keys of carol', '']);
    assert.deepEqual(await run(fresh, ['rewrap']), [
      1,
      '',
      'keys: 0 wrapped anew, 1 cannot be opened with the master keys given',
    ]);
    assert.deepEqual(await run(`${fresh},${old}`, ['rewrap']), [0, '1 wrapped anew', '']);
    assert.deepEqual(await run(fresh, ['rewrap']), [0, '0 wrapped anew', '']);
    assert.match(
      String((await run(fresh, ['trail', 'carol']))[1]),
      /Z {2}mexc\.keys\.rewrap {2}by operator {2}x 1\n.* {2}mexc\.keys\.put {2}/,
    );
    assert.equal((await run(old, ['put', 'carol'], '{"apiKey":"very-secret"'))[0], 1);
    assert.deepEqual((await run(old, ['sell', 'carol'])).slice(0, 2), [2, '']);
    assert.equal((await run('old:short', ['rewrap']))[0], 2);
  } finally {
    await dynamo.close();
  }
});
