import type { Observation } from '../../gateway/mirror/observation.ts';
import type { Side } from '../../gateway/routing/side.ts';

/** A JSON answer of one side, 200 with an empty object unless `given` says otherwise. */
export function anObservation(
  side: Side,
  given: Partial<Omit<Observation, 'body'>> & { body?: unknown } = {},
): Observation {
  const { body = '{}', ...rest } = given;
  return {
    side,
    status: 200,
    headers: ['Content-Type', 'application/json'],
    durationMs: 1,
    failure: undefined,
    ...rest,
    body: body === null ? undefined : bytesOf(body),
  };
}

/** Text and bytes as they are, anything else as its JSON. */
function bytesOf(body: unknown): Buffer {
  if (Buffer.isBuffer(body)) return body;
  return Buffer.from(typeof body === 'string' ? body : JSON.stringify(body));
}

/** An answer that never came, or broke off. */
export function aFailure(side: Side, failure: NonNullable<Observation['failure']>): Observation {
  return { side, status: undefined, headers: [], body: undefined, durationMs: 1, failure };
}
