import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..');
const NAMED = /\| `(test\/[\w./-]+\.test\.ts)`: (.+?) \|$/gm;

describe('the list of conformance', () => {
  const text = readFileSync(join(ROOT, 'docs/conformance.md'), 'utf8');

  it('names a test in every row', () => {
    const rows = text.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| behaviour'));
    assert.equal([...text.matchAll(NAMED)].length, rows.length);
  });

  it('names only tests that exist', () => {
    const missing = [...text.matchAll(NAMED)].flatMap(([, file = '', name = '']) => {
      const path = join(ROOT, file);
      return existsSync(path) && readFileSync(path, 'utf8').includes(name) ? [] : [`${file}: ${name}`];
    });
    assert.deepEqual(missing, []);
  });
});
