// What is known of one route: its counts in windows of time, its samples, and what of both nobody has taken yet.
import {
  addCounts,
  type Counts,
  countDropped,
  countOutcome,
  countsOf,
  differenceKey,
  newCounts,
  sumOf,
} from './counts.ts';
import { isHeldAgainstNew } from './difference.ts';
import { OUTCOMES } from './observation.ts';
import type { Redaction } from './redact.ts';
import { type Found, type Sample, sampleOf } from './sample.ts';
import { keptSamples, SAMPLES_EACH, type ShelvedSample, shelved } from './sample-shelf.ts';
import { SLICES_MAX, type Slices, sliceOf, type Window, type WindowCounts, Windows } from './windows.ts';

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
  /** Samples that were told of before and are not kept any longer. */
  readonly removed: readonly number[];
}

/** All that was kept of a route. */
export interface KeptFindings {
  readonly route: string;
  readonly stage: StageMark;
  /** Since the stage began. */
  readonly total: Counts;
  /** Those of the longest window; more do no harm. */
  readonly slices: Slices;
  readonly samples: readonly Sample[];
}

function isSameStage(a: StageMark, b: StageMark): boolean {
  return a.sinceMs === b.sinceMs && a.name === b.name;
}

export class RouteRecord {
  readonly route: string;
  /** Requests without an outcome yet. */
  pending = 0;
  #stage: StageMark;
  #entered: string | undefined;
  #windows: Windows;
  #begun = 0;
  /** Where what happens in the slice under way is counted; looked up once a slice, not once a request. */
  #counting: { readonly startMs: number; readonly counts: readonly Counts[] } | undefined;
  readonly #untaken = new Map<number, Counts>(); // SLICES_MAX at most.
  #samples: ShelvedSample[] = [];
  readonly #told = new Set<number>(); // Of the samples, and of those just removed.
  #lastNumber: number;
  #sampledMs = 0;
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
    for (const counts of this.#at(sliceOf(nowMs))) countDropped(counts, reason, copies);
  }

  /** Adds what another process has counted in a slice. */
  add(startMs: number, more: Counts): void {
    this.pending -= sumOf(more, OUTCOMES);
    for (const counts of this.#at(startMs)) addCounts(counts, more);
  }

  of(window: Window, nowMs: number): WindowCounts {
    return this.#windows.of(window, nowMs);
  }

  /** Counts a verdict, and keeps a sample of it when it shows something that has too few. */
  record(found: Found, agrees: boolean, nowMs: number, redaction: Redaction): void {
    this.pending--;
    const more = found.verdict.differences.length > 0 ? countsOf(found.verdict) : undefined;
    for (const counts of this.#at(sliceOf(nowMs))) {
      if (more) addCounts(counts, more);
      else countOutcome(counts, found.verdict);
    }
    if (agrees || !this.#wantsSample(found, nowMs)) return;
    this.#sampledMs = nowMs;
    const n = ++this.#lastNumber;
    this.#shelve([shelved(sampleOf({ n, at: new Date(nowMs).toISOString() }, found, redaction))]);
  }

  /** Takes samples of another process, under numbers of its own. */
  addSamples(samples: readonly Sample[]): void {
    this.#shelve(samples.map((sample) => shelved({ ...sample, n: ++this.#lastNumber })));
  }

  /** The oldest first. */
  get samples(): readonly Sample[] {
    return this.#samples.map(({ sample }) => sample);
  }

  /** Forgets samples that were taken before this (ISO 8601). */
  expire(before: string): void {
    const left = this.#samples.filter(({ sample }) => sample.at >= before);
    if (left.length < this.#samples.length) this.#changed = true;
    this.#samples = left;
  }

  /** What was found since this was last asked, or undefined. */
  take(): Findings | undefined {
    if (!this.#changed) return undefined;
    const kept = new Set(this.#samples.map(({ sample }) => sample.n));
    const findings: Findings = {
      route: this.route,
      stage: this.#stage,
      begun: this.#begun,
      slices: new Map(this.#untaken),
      added: this.samples.filter(({ n }) => !this.#told.has(n)),
      removed: [...this.#told].filter((n) => !kept.has(n)),
    };
    this.#untaken.clear();
    this.#counting = undefined;
    this.#begun = 0;
    this.#changed = false;
    for (const { n } of findings.added) this.#told.add(n);
    for (const n of findings.removed) this.#told.delete(n);
    return findings;
  }

  /** Puts what was kept elsewhere in the place of what is known here; what nobody has taken yet is added to it. */
  restore({ stage, total, slices, samples }: KeptFindings): void {
    const untold = this.#samples.filter(({ sample }) => !this.#told.has(sample.n));
    this.#samples = keptSamples([...samples.map(shelved), ...untold]);
    this.#told.clear();
    for (const { n } of samples) this.#told.add(n);
    this.#changed ||= this.#samples.length < samples.length;
    // A stage that has just begun here is not known there yet.
    if (this.#entered !== undefined && stage.sinceMs < this.#stage.sinceMs) return;
    if (!isSameStage(stage, this.#stage)) this.#untaken.clear();
    this.#stage = stage;
    this.#windows = new Windows(stage.sinceMs, total, slices);
    this.#counting = undefined;
    for (const [startMs, more] of this.#untaken)
      for (const counts of this.#windows.at(startMs)) addCounts(counts, more);
  }

  #at(startMs: number): readonly Counts[] {
    this.#changed = true;
    if (this.#counting?.startMs === startMs) return this.#counting.counts;
    if (this.#untaken.size >= SLICES_MAX) this.#mergeOldest();
    const untaken = this.#untaken.get(startMs) ?? newCounts();
    this.#untaken.set(startMs, untaken);
    this.#counting = { startMs, counts: [...this.#windows.at(startMs), untaken] };
    return this.#counting.counts;
  }

  #wantsSample({ verdict }: Found, nowMs: number): boolean {
    // Redacting costs more than comparing: a side that fails every request must not have it done for each.
    if (nowMs - this.#sampledMs >= SAMPLE_INTERVAL_MS) return true;
    const { counts } = this.#windows.of('stage', nowMs);
    const differing = verdict.differences.filter(isHeldAgainstNew);
    if (differing.length === 0) return counts.outcomes[verdict.outcome] <= SAMPLES_EACH;
    return differing.some((difference) => {
      const known = counts.differences.get(differenceKey(difference));
      return known !== undefined && known.count - known.noise <= SAMPLES_EACH;
    });
  }

  #shelve(samples: readonly ShelvedSample[]): void {
    if (samples.length === 0) return;
    this.#samples = keptSamples([...this.#samples, ...samples]);
    this.#changed = true;
  }

  /** Nobody has taken anything for longer than the longest window: that far back only the sum matters. */
  #mergeOldest(): void {
    const [oldest = 0, next = 0] = [...this.#untaken.keys()].sort((a, b) => a - b);
    const [gone, heir] = [this.#untaken.get(oldest), this.#untaken.get(next)];
    if (gone && heir) addCounts(heir, gone);
    this.#untaken.delete(oldest);
  }
}
