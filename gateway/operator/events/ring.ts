// The latest events, numbered, so that a client that was away can be told what it missed.
import { randomBytes } from 'node:crypto';
import type { EventData, EventName } from '../contract/events.ts';

/** An hour of a busy day; a client that was away for more has to ask anew. */
export const EVENTS_MAX = 1_000;

/** An event of any name, with the data of that name. */
export type OperatorEvent = {
  readonly [Name in EventName]: { readonly name: Name; readonly data: EventData<Name> };
}[EventName];

export interface NumberedEvent {
  readonly id: string;
  readonly event: OperatorEvent;
}

export interface EventRing {
  add(event: OperatorEvent): NumberedEvent;
  /** What came after an event; undefined where that is not known any more, or never was. */
  since(id: string): readonly NumberedEvent[] | undefined;
  /** The id of the latest, or that of none yet. */
  readonly latest: string;
}

/** The ids of one ring are no other's: not after a restart, nor on another gateway. */
export function createRing(eventsMax = EVENTS_MAX): EventRing {
  const name = randomBytes(6).toString('base64url');
  const kept: NumberedEvent[] = []; // eventsMax at most.
  let count = 0;
  const idOf = (n: number) => `${name}.${n}`;
  return {
    get latest() {
      return idOf(count);
    },
    add(event) {
      const numbered = { id: idOf(++count), event };
      kept.push(numbered);
      if (kept.length > eventsMax) kept.shift();
      return numbered;
    },
    since(id) {
      const missed = Array.from({ length: kept.length + 1 }).findIndex((_, n) => id === idOf(count - n));
      return missed < 0 ? undefined : kept.slice(kept.length - missed);
    },
  };
}
