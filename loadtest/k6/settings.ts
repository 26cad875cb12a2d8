// What a run is told, as JSON in BANYAN_LOAD. Plain types: Node and k6 both read this file.

/** The shapes of load; profiles.ts says what each is for. */
export type Profile = 'smoke' | 'steady' | 'spike' | 'soak' | 'stress' | 'flip' | 'streams' | 'compare';

/** Where a run sends its requests: to a side itself, or to the gateway, which decides. */
export const TARGETS = ['legacy', 'new', 'gateway'] as const;
export type Target = (typeof TARGETS)[number];

export interface Settings {
  readonly profile: Profile;
  readonly target: Target;
  /** Origin of the target, such as http://127.0.0.1:8080. */
  readonly url: string;
  /** Origin of the operator's API; only flips need it. */
  readonly operatorUrl?: string;
  /** Arrivals per second: of journeys, whatever the target does with those before. */
  readonly rate: number;
  readonly seconds: number;
  /** Clients that may be under way at once; an arrival that finds none is lost, and counted. */
  readonly clientsMax: number;
  /** Streams of each kind that are held open; only `streams` has any. */
  readonly streams: number;
  /** Whether orders are made. */
  readonly writes: boolean;
  /** Whether they are cancelled at once; not where routes move meanwhile: the other side does not know them. */
  readonly cancels: boolean;
  /** What the 95th percentile of each route and side may be. */
  readonly p95MaxMs: number;
}
