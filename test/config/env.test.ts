import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { z } from 'zod';
import { parseEnv, renderEnvProblems } from '../../config/env.ts';

const schema = z.object({
  URL: z.url({ error: 'is not a URL' }).describe('give a URL'),
  COUNT: z.coerce.number().int().max(10, 'is above 10').default(3).describe('give a number up to 10'),
  SECRET: z.string().min(8, 'is too short').describe('give the secret, or SECRET_FILE'),
});

describe('environment', () => {
  const folder = mkdtempSync(join(tmpdir(), 'banyan-env-'));
  after(() => rmSync(folder, { recursive: true }));
  const file = (name: string, content: string) => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };

  test('valid, then the values with their defaults; an empty variable is none', () => {
    const result = parseEnv(schema, { URL: 'http://a/', COUNT: '', SECRET: 'sesame-open', OTHER: 'x' });
    assert.deepEqual(result, { ok: true, value: { URL: 'http://a/', COUNT: 3, SECRET: 'sesame-open' } });
  });

  test('several wrong, then all of them at once, each with its remedy, and no value shown', () => {
    const result = parseEnv(schema, { COUNT: '11', SECRET: 'short' });
    assert.equal(result.ok, false);
    const text = result.ok ? '' : renderEnvProblems('thing', result.problems);
    assert.equal(
      text,
      'thing: 3 problems in the environment\n' +
        '  URL: is not set; give a URL\n' +
        '  COUNT: is above 10; give a number up to 10\n' +
        '  SECRET: is too short; give the secret, or SECRET_FILE\n',
    );
  });

  test('a secret in a file, then its content without the last line end', () => {
    const result = parseEnv(schema, { URL: 'http://a/', SECRET_FILE: file('secret', 'sesame-open\n') }, ['SECRET']);
    assert.equal(result.ok && result.value.SECRET, 'sesame-open');
  });

  test('a file that is missing, empty, or beside the variable itself, then one problem that names it', () => {
    const wrong = [
      { SECRET_FILE: join(folder, 'none') },
      { SECRET_FILE: file('empty', '\n') },
      { SECRET_FILE: file('both', 'sesame-open'), SECRET: 'sesame-open' },
    ];
    for (const env of wrong) {
      const result = parseEnv(schema, { URL: 'http://a/', ...env }, ['SECRET']);
      assert.deepEqual(!result.ok && result.problems.map(({ variable }) => variable), ['SECRET_FILE']);
    }
  });
});
