// A request on its way through the mirror: chosen to be copied, then answered.
import type { Capture } from '../proxy/capture.ts';
import type { RouteModel } from '../routing/route.ts';
import type { Side } from '../routing/side.ts';
import type { Observation } from './observation.ts';

/** A request that is to be copied: its bodies are kept as they pass. */
export interface CopyTicket {
  readonly route: RouteModel;
  readonly shadow: Side;
  readonly captures: { readonly request: Capture; readonly response: Capture };
  /**
   * Why it was chosen. `status`: it is copied only if its answer turns out to be of a class that is rarely seen; until
   * then it is not eligible.
   */
  readonly chosenBy: 'sample' | 'minimum' | 'status';
  /** Whether legacy is to be asked twice, so that noise shows. */
  readonly bracketed: boolean;
}

/** What the client asked for and what it was answered. */
export interface ServedRequest {
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  /** Fields as they go to a side. */
  headersFor(side: Side): readonly string[];
  /** Hears what came of the first copy, if one is sent at all. */
  readonly observed: ((copy: Observation) => void) | undefined;
  readonly served: Observation;
  /** When the serving side was asked, by the mirror's clock. */
  readonly servedAtMs: number;
  /** Whether the answer was an event stream, which has no end to be compared at. */
  readonly isEventStream: boolean;
  /** What the other side did, where it has been asked already: it was to serve, and could not. */
  readonly failed: Observation | undefined;
}
