// What is known of one route: its counts in windows of time, its samples, and what of both nobody has taken yet.
import { addCounts, type Counts, countDropped, countOutcome, countsOf, differenceKey, sumOf } from './counts.ts';
import { type Difference, isHeldAgainstNew } from './difference.ts';
import { OUTCOMES } from './observation.ts';
import type { Redaction } from './redact.ts';
import { addRouteCounts, newRouteCounts, type RouteCounts, streamsIn } from './route-counts.ts';
import { type Found, type Sample, sampleOf } from './sample.ts';
import { SampleBook } from './sample-book.ts';
import { SAMPLES_EACH, type ShelfLimits } from './sample-shelf.ts';
import { countStream, type StreamFinding } from './stream-counts.ts';
import { type StreamSample, type StreamShown, streamSampleOf } from './stream-sample.ts';
import { SLICES_MAX, type Slices, sliceOf, type Window, type WindowCounts, Windows } from './windows.ts';

const REQUEST_SAMPLES: ShelfLimits = { samplesMax: 100, bytesMax: 1_048_576 };
/** Fewer: the API shows them with the counts. */
const STREAM_SAMPLES: ShelfLimits = { samplesMax: 30, bytesMax: 262_144 };
/** Once a difference has its first samples, another is kept this long after the last of the route. */
const SAMPLE_INTERVAL_MS = 1_000;

/** A stage, and when it began. */
export interface StageMark {
  readonly name: string;
  readonly sinceMs: number;
}

/** What was found of a route since this was last asked. Plain data. */
export interface Findings {
  readonly route: string;
  /** The stage in which it was counted. */
  readonly stage: StageMark;
  /** Requests that were chosen to be copied, whether or not they have an outcome yet. */
  readonly begun: number;
  readonly slices: Slices;
  readonly added: readonly Sample[];
  readonly addedOfStreams: readonly StreamSample[];
  /** Samples, of either kind, that were told of before and are not kept any longer. */
  readonly removed: readonly number[];
}

/** All that was kept of a route. */
export interface KeptFindings {
  readonly route: string;
  readonly stage: StageMark;
  /** Since the stage began. */
  readonly total: RouteCounts;
  /** Those of the longest window; more do no harm. */
  readonly slices: Slices;
  readonly samples: readonly Sample[];
  readonly streamSamples: readonly StreamSample[];
}

function isSameStage(a: StageMark, b: StageMark): boolean {
  return a.sinceMs === b.sinceMs && a.name === b.name;
}

/** Where what happens in a slice is counted. */
interface Counting {
  readonly startMs: number;
  readonly total: RouteCounts;
  readonly slice: RouteCounts;
  readonly untaken: RouteCounts;
}

export class RouteRecord {
  readonly route: string;
  /** Requests without an outcome yet. */
  pending = 0;
  #stage: StageMark;
  #entered: string | undefined;
  #windows: Windows;
  #begun = 0;
  /** Looked up once a slice, not once a request. */
  #counting: Counting | undefined;
  readonly #untaken = new Map<number, RouteCounts>(); // SLICES_MAX at most.
  readonly #samples = new SampleBook<Sample>(REQUEST_SAMPLES);
  readonly #streamSamples = new SampleBook<StreamSample>(STREAM_SAMPLES);
  #lastNumber: number;
  #sampledMs = 0;
  #streamSampledMs = 0;
  #changed = false;

  constructor(route: string, nowMs: number, lastNumber: number) {
    this.route = route;
    this.#stage = { name: '', sinceMs: nowMs };
    this.#windows = new Windows(nowMs);
    this.#lastNumber = lastNumber;
  }

  /** The stage that this process knows to be in force. One that is new to it and not the one counted for begins anew. */
  enter(name: string, nowMs: number): void {
    if (name === this.#entered) return;
    this.#entered = name;
    if (name === this.#stage.name) return;
    this.#stage = { name, sinceMs: nowMs };
    this.#windows = new Windows(nowMs);
    this.#untaken.clear();
    this.#counting = undefined;
    this.#changed = true;
  }

  begin(requests: number): void {
    this.pending += requests;
    this.#begun += requests;
    this.#changed = true;
  }

  drop(reason: string, copies: number, nowMs: number): void {
    this.pending -= copies;
    this.#count(sliceOf(nowMs), ({ requests }) => countDropped(requests, reason, copies));
  }

  /** Adds what another process has counted in a slice. */
  add(startMs: number, more: RouteCounts): void {
    this.pending -= sumOf(more.requests, OUTCOMES);
    this.#count(startMs, (counts, listed) => addRouteCounts(counts, more, listed));
  }

  of(window: Window, nowMs: number): WindowCounts {
    return this.#windows.of(window, nowMs);
  }

  /** Counts a verdict, and keeps a sample of it when it shows something that has too few. */
  record(given: Found, agrees: boolean, nowMs: number, redaction: Redaction): void {
    const { verdict } = given;
    const found = verdict.differences.length > 0 ? { ...given, verdict: withSafePlaces(verdict, redaction) } : given;
    this.pending--;
    const more = found.verdict.differences.length > 0 ? countsOf(found.verdict) : undefined;
    this.#count(sliceOf(nowMs), ({ requests }, listed) => {
      if (more) addCounts(requests, more, listed?.requests);
      else countOutcome(requests, found.verdict);
    });
    if (agrees || !this.#wantsSample(found, nowMs)) return;
    this.#sampledMs = nowMs;
    this.#samples.add([sampleOf(this.#mark(nowMs), found, redaction)]);
  }

  /** Counts what comparing a stream has found, and keeps a sample of it where there are too few. */
  streamed(
    given: StreamFinding,
    shown: StreamShown | undefined,
    { nowMs, redaction }: { readonly nowMs: number; readonly redaction: Redaction },
  ): void {
    const finding = withSafePlacesOfPair(given, redaction);
    this.#count(sliceOf(nowMs), (counts, listed) => countStream(streamsIn(counts), finding, listed?.streams));
    if (!shown || !this.#wantsStreamSample(withSafePlaces(shown, redaction), nowMs)) return;
    this.#streamSampledMs = nowMs;
    this.#streamSamples.add([streamSampleOf(this.#mark(nowMs), shown, redaction)]);
  }

  /** Takes samples of another process, under numbers of its own. */
  addSamples({ added, addedOfStreams }: Pick<Findings, 'added' | 'addedOfStreams'>): void {
    const renumbered = <S extends { readonly n: number }>(sample: S): S => ({ ...sample, n: ++this.#lastNumber });
    this.#samples.add(added.map(renumbered));
    this.#streamSamples.add(addedOfStreams.map(renumbered));
    this.#changed = true;
  }

  /** The oldest first. */
  get samples(): readonly Sample[] {
    return this.#samples.samples;
  }

  get streamSamples(): readonly StreamSample[] {
    return this.#streamSamples.samples;
  }

  /** Forgets samples that were taken before this (ISO 8601). */
  expire(before: string): void {
    for (const book of [this.#samples, this.#streamSamples]) this.#changed = book.expire(before) || this.#changed;
  }

  /** What was found since this was last asked, or undefined. */
  take(): Findings | undefined {
    if (!this.#changed) return undefined;
    const [ofRequests, ofStreams] = [this.#samples.take(), this.#streamSamples.take()];
    const findings: Findings = {
      route: this.route,
      stage: this.#stage,
      begun: this.#begun,
      slices: new Map(this.#untaken),
      added: ofRequests.added,
      addedOfStreams: ofStreams.added,
      removed: [...ofRequests.removed, ...ofStreams.removed],
    };
    this.#untaken.clear();
    this.#counting = undefined;
    this.#begun = 0;
    this.#changed = false;
    return findings;
  }

  /** Puts what was kept elsewhere in the place of what is known here; what nobody has taken yet is added to it. */
  restore({ stage, total, slices, samples, streamSamples }: KeptFindings): void {
    const areDropped = [this.#samples.restore(samples), this.#streamSamples.restore(streamSamples)];
    this.#changed ||= areDropped.includes(true);
    // A stage that has just begun here is not known there yet.
    if (this.#entered !== undefined && stage.sinceMs < this.#stage.sinceMs) return;
    if (!isSameStage(stage, this.#stage)) this.#untaken.clear();
    this.#stage = stage;
    this.#windows = new Windows(stage.sinceMs, total, slices);
    this.#counting = undefined;
    for (const [startMs, more] of this.#untaken) {
      const { total: since, slice } = this.#windows.at(startMs);
      for (const counts of [since, slice]) addRouteCounts(counts, more);
    }
  }

  /**
   * Counts in every window, and for whoever takes it. That one is told of kinds of difference that are listed since the stage
   * began, and of no others: added up for days there would be no end of them.
   */
  #count(startMs: number, add: (counts: RouteCounts, listed?: RouteCounts) => void): void {
    this.#changed = true;
    if (this.#counting?.startMs !== startMs) this.#counting = this.#countingAt(startMs);
    const { total, slice, untaken } = this.#counting;
    add(total);
    add(slice);
    add(untaken, total);
  }

  #countingAt(startMs: number): Counting {
    if (this.#untaken.size >= SLICES_MAX) this.#mergeOldest();
    const untaken = this.#untaken.get(startMs) ?? newRouteCounts();
    this.#untaken.set(startMs, untaken);
    return { startMs, untaken, ...this.#windows.at(startMs) };
  }

  #wantsSample({ verdict }: Found, nowMs: number): boolean {
    // Redacting costs more than comparing: a side that fails every request must not have it done for each.
    if (nowMs - this.#sampledMs >= SAMPLE_INTERVAL_MS) return true;
    const counts = this.#windows.of('stage', nowMs).counts.requests;
    return hasFew(counts, verdict.differences) ?? counts.outcomes[verdict.outcome] <= SAMPLES_EACH;
  }

  #wantsStreamSample({ outcome, differences }: StreamShown, nowMs: number): boolean {
    if (nowMs - this.#streamSampledMs >= SAMPLE_INTERVAL_MS) return true;
    const { pairs, ...counted } = streamsIn(this.#windows.of('stage', nowMs).counts);
    if (outcome !== 'different') return counted[outcome] <= SAMPLES_EACH;
    return hasFew(pairs, differences) ?? false;
  }

  #mark(nowMs: number): { readonly n: number; readonly at: string } {
    return { n: ++this.#lastNumber, at: new Date(nowMs).toISOString() };
  }

  /** Nobody has taken anything for longer than the longest window: that far back only the sum matters. */
  #mergeOldest(): void {
    const [oldest = 0, next = 0] = [...this.#untaken.keys()].sort((a, b) => a - b);
    const [gone, heir] = [this.#untaken.get(oldest), this.#untaken.get(next)];
    if (gone && heir) addRouteCounts(heir, gone);
    this.#untaken.delete(oldest);
  }
}

/** Whether one of these differences has fewer samples than it may; undefined without any that counts. */
function hasFew(counts: Counts, differences: readonly Difference[]): boolean | undefined {
  const differing = differences.filter(isHeldAgainstNew);
  if (differing.length === 0) return undefined;
  return differing.some((difference) => {
    const known = counts.differences.get(differenceKey(difference));
    return known !== undefined && known.count - known.noise <= SAMPLES_EACH;
  });
}

/** Nothing is counted by a name that is a secret. */
function withSafePlaces<D extends { readonly differences: readonly Difference[] }>(found: D, redaction: Redaction): D {
  return { ...found, differences: found.differences.map(redaction.place) };
}

function withSafePlacesOfPair(finding: StreamFinding, redaction: Redaction): StreamFinding {
  if (finding.kind !== 'pair' || 'dropped' in finding.verdict || finding.verdict.differences.length === 0)
    return finding;
  return { ...finding, verdict: withSafePlaces(finding.verdict, redaction) };
}
