import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { referencePages } from './reference.ts';

const FOLDER = join(import.meta.dirname, '..', '..', 'docs', 'reference');

it('the references are what the code says of itself; npm run docs writes them', async () => {
  const pages = await referencePages();
  assert.deepEqual(readdirSync(FOLDER).sort(), [...pages.keys()].sort());
  for (const [name, text] of pages) assert.equal(readFileSync(join(FOLDER, name), 'utf8'), text, name);
});
