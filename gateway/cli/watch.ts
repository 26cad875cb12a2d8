// `banyan watch`: what changes, as it does.
import { z } from 'zod';
import { type FollowedEvent, followEvents } from './events.ts';
import { CommandError, EXIT } from './exit.ts';

export interface WatchOptions {
  readonly url: string;
  readonly token: string;
  /** Of this route only, and of all routes together. */
  readonly id?: string;
  /** Ends with success when the route comes to this stage. */
  readonly until?: string;
  readonly seconds?: number;
  /** One JSON document a line. */
  readonly json: boolean;
  readonly out: (text: string) => void;
  readonly err: (text: string) => void;
}

/**
 * Answers the exit code: 0 when `until` came about or the time is up without one.
 * @throws {CommandError} 7 when it did not come about in time, 8 when the route was rolled back instead
 */
export async function watch(options: WatchOptions): Promise<number> {
  const { id, until, seconds, json, out, err } = options;
  const end = new AbortController();
  const timer = seconds === undefined ? undefined : setTimeout(() => end.abort(), seconds * 1_000);
  const onBreak = (problem: string) => err(`note: ${problem}; trying again`);
  try {
    for await (const event of followEvents({ ...options, signal: end.signal, onBreak })) {
      if (!concerns(event, id)) continue;
      const line = json ? JSON.stringify({ event: event.name, ...objectOf(event.data) }) : lineOf(event);
      if (line !== undefined) out(line);
      if (until !== undefined && hasCome(event, id, until)) return EXIT.ok;
      if (until !== undefined) refuseRolledBack(event, id);
    }
    if (until === undefined) return EXIT.ok;
    throw new CommandError(EXIT.timedOut, `${id} did not come to ${until} within ${seconds} s`);
  } finally {
    clearTimeout(timer);
    end.abort();
  }
}

const scoped = z.looseObject({ id: z.string().optional(), entry: z.looseObject({ scope: z.string() }).optional() });

function objectOf(data: unknown): object {
  return typeof data === 'object' && data !== null ? data : { data };
}

/** What is not about a route concerns all of them. */
function concerns({ data }: FollowedEvent, id: string | undefined): boolean {
  const { id: of, entry } = scoped.parse(data);
  const scope = of ?? entry?.scope;
  return id === undefined || scope === undefined || scope === id || scope === '*';
}

const route = z.looseObject({
  id: z.string(),
  stage: z.string(),
  percent: z.number(),
  override: z.looseObject({ side: z.string(), actor: z.string(), reason: z.string() }).nullable(),
});

function hasCome({ name, data }: FollowedEvent, id: string | undefined, stage: string): boolean {
  const moved = name === 'route' ? route.parse(data) : undefined;
  return moved !== undefined && moved.id === id && moved.stage === stage;
}

/** Whoever waits for a stage need not go on when the route, or every route, was forced to legacy meanwhile. */
function refuseRolledBack({ name, data }: FollowedEvent, id: string | undefined): void {
  const forced =
    name === 'route' && route.parse(data).id === id
      ? route.parse(data).override
      : name === 'override'
        ? override.parse(data).override
        : null;
  if (forced?.side !== 'legacy') return;
  throw new CommandError(EXIT.rolledBack, `${id} was rolled back by ${forced.actor}: ${forced.reason}`);
}

type Render = (data: unknown) => string | undefined;
const override = z.looseObject({
  override: z.looseObject({ side: z.string(), actor: z.string(), reason: z.string() }).nullable(),
});
const plan = z.looseObject({
  id: z.string(),
  plan: z.looseObject({ plan: z.string(), status: z.string(), step: z.number() }).nullable(),
});
const health = z.looseObject({ ready: z.boolean(), warnings: z.array(z.string()) });
const audit = z.looseObject({
  entry: z.looseObject({ actor: z.string(), action: z.string(), scope: z.string(), reason: z.string() }),
});
const jobs = z.looseObject({ jobs: z.array(z.looseObject({ job: z.string(), condition: z.string() })) });
const instances = z.looseObject({ instances: z.array(z.looseObject({ state: z.string() })) });

/** What people read of each event; those that say nothing new to them are left out. */
const LINES: Readonly<Record<string, Render>> = {
  route(data) {
    const { id, stage, percent, override } = route.parse(data);
    const place = stage === 'canary' ? `canary ${percent} %` : stage;
    return `${id}: ${place}${override ? `, forced to ${override.side} by ${override.actor}: ${override.reason}` : ''}`;
  },
  override(data) {
    const { override: all } = override.parse(data);
    return all
      ? `all routes: forced to ${all.side} by ${all.actor}: ${all.reason}`
      : 'all routes: the override is lifted';
  },
  plan(data) {
    const { id, plan: of } = plan.parse(data);
    return of ? `${id}: plan ${of.plan} is ${of.status}, step ${of.step}` : undefined;
  },
  health(data) {
    const { ready, warnings } = health.parse(data);
    return [ready ? 'ready' : 'not ready', ...warnings].join('; ');
  },
  instances(data) {
    const { instances: all } = instances.parse(data);
    return `${all.filter(({ state }) => state === 'serving').length} of ${all.length} processes serve`;
  },
  jobs(data) {
    const told = jobs.parse(data).jobs.map(({ job, condition }) => `${job} ${condition.replaceAll('_', ' ')}`);
    return told.length === 0 ? undefined : `data jobs: ${told.join(', ')}`;
  },
  rules: () => 'the rules for comparing have changed',
  audit(data) {
    const { actor, action, scope, reason } = audit.parse(data).entry;
    return `${actor}: ${action.replaceAll('_', ' ')} ${scope}: ${reason}`;
  },
};

const timed = z.looseObject({ at: z.string() });

/** An event as a line for people, or undefined. Pure. */
export function lineOf({ name, data }: FollowedEvent): string | undefined {
  const text = Object.hasOwn(LINES, name) ? LINES[name]?.(data) : undefined;
  return text === undefined ? undefined : `${timed.parse(data).at}  ${text}`;
}
