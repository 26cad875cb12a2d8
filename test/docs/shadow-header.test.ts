import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { isGenuine, readHeader } from '../../backend/shadow/header.ts';
import type { ShadowKeys } from '../../config/shadow-keys.ts';
import { shadowHeader } from '../../gateway/mirror/dry-run.ts';

interface Vector {
  readonly method: string;
  readonly target: string;
  readonly body: string;
  readonly header: string;
}

const text = readFileSync(join(import.meta.dirname, '../../docs/shadow-header.md'), 'utf8');
const [, id = '', secret = ''] = /The secret of key `(.+?)` is `(.+?)`/.exec(text) ?? [];
const keys: ShadowKeys = [{ id, secret }];
const vectors: readonly Vector[] = JSON.parse(/```json vectors\n([\s\S]*?)```/.exec(text)?.[1] ?? '[]');
const byHand = /```sh vectors\n([\s\S]*?)```/.exec(text)?.[1] ?? '';
const form = new RegExp(/```regex\n(.+)\n```/.exec(text)?.[1] ?? 'none');

describe('the documented header of a dry run', () => {
  test('has test vectors, a secret and a form', () => {
    assert.ok(vectors.length >= 2);
    assert.ok(secret.length >= 32);
  });

  test('is signed by hand as it is by the gateway', { skip: lacksOpenSsl() }, () => {
    const { stdout } = spawnSync('bash', ['-c', byHand], { encoding: 'utf8' });
    const [mac = 'none'] = /[0-9a-f]{64}/.exec(stdout) ?? [];
    assert.ok(vectors[0]?.header.endsWith(mac), stdout);
  });

  for (const { method, target, body, header } of vectors) {
    const [, , timestamp, nonce = '', routeId = ''] = form.exec(header) ?? [];
    const bytes = Buffer.from(body);

    test(`${method} ${target} is signed by the gateway as documented`, () => {
      const moment = { timestampMs: Number(timestamp), nonce };
      assert.equal(shadowHeader(keys, { routeId, method, target, body: bytes }, moment), header);
    });

    test(`${method} ${target} is verified by the backend as documented`, () => {
      const read = readHeader(header, keys, Number(timestamp));
      assert.ok(read.ok);
      assert.equal(isGenuine(read.claimed, { method, target, body: bytes }), true);
      assert.equal(
        isGenuine(read.claimed, { method, target, body: Buffer.concat([bytes, bytes, Buffer.of(0)]) }),
        false,
      );
    });
  }
});

function lacksOpenSsl(): string | false {
  return spawnSync('openssl', ['version']).status === 0 ? false : 'openssl is not installed';
}
