// Commands in the documents are ones that the command lines take; and each block of them is run by a test, or says why not.
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';

const ROOT = join(import.meta.dirname, '..', '..');
const documents = ['README.md', 'MIGRATION.md', ...globSync('docs/*.md', { cwd: ROOT })].map(
  (name) => [name, readFileSync(join(ROOT, name), 'utf8')] as const,
);
const reference = readFileSync(join(ROOT, 'docs/reference/cli.md'), 'utf8');

/** The long options of each command by its whole name; those of the program hold everywhere. */
const commands = new Map(
  reference
    .split(/^#{2,3} (?=banyan)/m)
    .slice(1)
    .map((section) => {
      const name = section.slice(0, section.indexOf('\n'));
      return [
        name,
        new Set([...section.matchAll(/^ {2}(?:-\w, )?(--[\w-]+)/gm)].map(([, option = '']) => option)),
      ] as const;
    }),
);

/** A command as it is written: "banyan stage ID shadow --reason R"; quotes may have spaces in them. */
function wordsOf(text: string): string[] {
  return [...text.replace(/\s#\s.*$/, '').matchAll(/'[^']*'|"[^"]*"|\S+/g)].map(([word]) => word);
}

function problemOf(text: string): string | undefined {
  const [program = '', ...rest] = wordsOf(text);
  let name = program;
  for (const word of rest) {
    if (!commands.has(`${name} ${word}`)) break;
    name = `${name} ${word}`;
  }
  const hasCommands = [...commands.keys()].some((known) => known.startsWith(`${name} `));
  const next = rest[name.split(' ').length - 1];
  const isName = next !== undefined && /^[a-z][a-z-]*$/.test(next);
  if (name === program && isName && hasCommands) return `${program} has no command ${next}`;
  const known = new Set([...(commands.get(program) ?? []), ...(commands.get(name) ?? [])]);
  const options = rest.filter((word) => word.startsWith('--')).map((word) => word.replace(/[=\])].*$/, ''));
  const wrong = options.find((option) => !known.has(option));
  return wrong && `${name} has no option ${wrong}`;
}

/** Every command in a line of a block or between backquotes. Alternatives and optional parts are shown in usages, not run. */
function commandsIn(text: string): string[] {
  const inBlocks = [...text.matchAll(/^(?:npx )?(banyan(?:-migrate)? [^\n]+)$/gm)];
  const inLine = [...text.matchAll(/`(?:npx )?(banyan(?:-migrate)? [^`\n]+)`/g)];
  return [...inBlocks, ...inLine].map(([, command = '']) => command).filter((command) => !/[|[\]]/.test(command));
}

describe('commands in the documents', () => {
  it('are ones that the command lines take', () => {
    const found = documents.flatMap(([name, text]) => commandsIn(text).map((command) => [name, command] as const));
    assert.ok(found.length > 60, `${found.length} commands`);
    assert.deepEqual(
      found.flatMap(([name, command]) => {
        const problem = problemOf(command);
        return problem === undefined ? [] : [`${name}: ${command}: ${problem}`];
      }),
      [],
    );
  });

  it('are told from others', () => {
    assert.equal(problemOf('banyan stage ID shadow --reason R'), undefined);
    assert.equal(problemOf('banyan stages ID'), 'banyan has no command stages');
    assert.equal(problemOf('banyan stage ID live --why R'), 'banyan stage has no option --why');
  });

  it('stand in blocks that a test runs, or that say why none does', () => {
    const unmarked = documents.flatMap(([name, text]) =>
      [...text.matchAll(/^```sh(.*)$/gm)]
        .map(([, mark = '']) => mark.trim())
        .filter((mark) => mark !== 'tour' && mark !== 'vectors' && !/^not run: \S.{10,}$/.test(mark))
        .map((mark) => `${name}: ${mark || 'a block without a mark'}`),
    );
    assert.deepEqual(unmarked, []);
  });
});
