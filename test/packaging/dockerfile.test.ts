// The Dockerfile by rules of our own, since no engine and no hadolint run here.
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..');
const dockerfile = readFileSync(join(ROOT, 'Dockerfile'), 'utf8');
const ignore = readFileSync(join(ROOT, '.dockerignore'), 'utf8').split('\n');

interface Stage {
  readonly name: string;
  readonly from: string;
  /** Instruction and argument, lines that go on joined. */
  readonly steps: readonly (readonly [instruction: string, argument: string])[];
}

const stages: Stage[] = dockerfile
  .replace(/^#.*\n/gm, '')
  .replace(/\\\n\s*/g, '')
  .split(/^FROM /m)
  .slice(1)
  .map((part) => {
    const [head = '', ...rest] = part.split('\n');
    const [from = '', , name = ''] = head.split(' ');
    const steps = rest
      .filter((line) => line !== '')
      .map((line) => [line.slice(0, line.indexOf(' ')), line.slice(line.indexOf(' ') + 1)] as const);
    return { name, from, steps };
  });
const IMAGES = ['gateway', 'backend', 'migration', 'sandbox'];
const of = (stage: Stage, instruction: string) => stage.steps.filter(([name]) => name === instruction);

describe('the Dockerfile', () => {
  it('has the images that the documents name', () => {
    assert.deepEqual(
      stages
        .map(({ name }) => name)
        .filter((name) => IMAGES.includes(name))
        .sort(),
      [...IMAGES].sort(),
    );
  });

  it('starts from an image of an exact version, and otherwise from its own stages', () => {
    assert.match(dockerfile, /^ARG NODE_IMAGE=node:\d+\.\d+\.\d+-\w+-slim$/m);
    const known = new Set(['$' + '{NODE_IMAGE}']);
    for (const { name, from } of stages) {
      assert.ok(known.has(from), `${name} is from ${from}`);
      known.add(name);
    }
  });

  it('runs every image as a user without rights, by a command that gets signals itself', () => {
    for (const stage of stages.filter(({ name }) => IMAGES.includes(name))) {
      const last = stage.steps.findLastIndex(([name]) => name === 'RUN' || name === 'COPY');
      const user = stage.steps.findIndex(([name, argument]) => name === 'USER' && argument === 'node');
      assert.ok(user > last, `${stage.name}: USER node after all that is done as root`);
      assert.equal(of(stage, 'USER').length, 1, stage.name);
      const [[, entry = ''] = []] = of(stage, 'ENTRYPOINT');
      assert.equal(JSON.parse(entry)[0], 'node', stage.name);
      assert.equal(of(stage, 'HEALTHCHECK').length, 1, stage.name);
    }
  });

  it('copies what is there and what .dockerignore lets in', () => {
    for (const { name, steps } of stages) {
      for (const [instruction, argument] of steps) {
        if (instruction !== 'COPY' || argument.startsWith('--from') || argument.startsWith('. ')) continue;
        for (const source of argument.split(' ').slice(0, -1)) {
          assert.ok(existsSync(join(ROOT, source)), `${name}: ${source}`);
          assert.ok(ignore.includes(`!${source.replace('./', '')}`), `.dockerignore keeps ${source} out`);
        }
      }
    }
  });

  it('installs from the lock file and runs no script of a package', () => {
    const installs = stages.flatMap((stage) => of(stage, 'RUN')).filter(([, command]) => command.includes('npm'));
    assert.equal(installs.length, 2);
    for (const [, command] of installs) assert.match(command, /^npm ci .*--ignore-scripts.*npm cache clean --force$/);
  });
});
