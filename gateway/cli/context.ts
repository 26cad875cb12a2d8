// `banyan context`: the gateways that are known by name.
import { type CliContext, readContexts, writeContexts } from '../../config/cli-contexts.ts';
import type { Result } from './answer.ts';
import { CommandError, EXIT } from './exit.ts';
import { table } from './table.ts';

export function addContext(name: string, context: CliContext): Result {
  const known = readContexts();
  const contexts = { ...known.contexts, [name]: context };
  const current = known.current ?? name; // The first is meant to be used.
  writeContexts({ current, contexts });
  const text = `${name}: ${context.url}`;
  return current === name
    ? { json: { name, url: context.url, current }, text, notes: [`${name} is in use`] }
    : { json: { name, url: context.url, current }, text };
}

export function useContext(name: string): Result {
  const { contexts } = readContexts();
  mustExist(name, contexts);
  writeContexts({ current: name, contexts });
  return { json: { current: name }, text: `${name} is in use` };
}

export function removeContext(name: string): Result {
  const { current, contexts } = readContexts();
  mustExist(name, contexts);
  const { [name]: _removed, ...others } = contexts;
  writeContexts({ ...(current === undefined || current === name ? {} : { current }), contexts: others });
  return { json: { removed: name }, text: `${name} is forgotten` };
}

/** Names and addresses; never a token. */
export function listContexts(): Result {
  const { current, contexts } = readContexts();
  const listed = Object.entries(contexts).map(([name, { url }]) => ({ name, url, current: name === current }));
  const rows = listed.map(({ name, url, current: isCurrent }) => [isCurrent ? '*' : '', name, url]);
  return { json: { contexts: listed }, text: table(['', 'NAME', 'URL'], rows) };
}

function mustExist(name: string, contexts: Readonly<Record<string, CliContext>>): void {
  if (Object.hasOwn(contexts, name)) return;
  throw new CommandError(EXIT.usage, `there is no context ${name}; banyan context list has those there are`);
}
