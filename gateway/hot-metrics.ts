// Metrics that every request counts, in cells of their own: prom-client makes a key of all labels and checks each of them
// every time, which costs more than the rest of what is recorded. Scrapes read the same text as ever.
import {
  Counter,
  type CounterConfiguration,
  Histogram,
  type HistogramConfiguration,
  type MetricObjectWithValues,
  type MetricValueWithName,
} from 'prom-client';

type Labels<T extends string> = Readonly<Record<T, string>>;

/** A cell for each combination of labels, found label by label. As bounded as the labels are. */
class Cells<T extends string, C> {
  readonly all: { readonly labels: Labels<T>; readonly cell: C }[] = [];
  readonly #names: readonly T[];
  readonly #fresh: () => C;
  readonly #root = new Map<string, unknown>();

  constructor(names: readonly T[], fresh: () => C) {
    this.#names = names;
    this.#fresh = fresh;
  }

  of(labels: Labels<T>): C {
    let found: unknown = this.#root;
    for (const name of this.#names) {
      found = (found as Map<string, unknown>).get(labels[name]);
      if (found === undefined) return this.#add(labels);
    }
    return found as C; // One level of maps a label, and then the cell.
  }

  #add(labels: Labels<T>): C {
    let level = this.#root;
    for (const name of this.#names.slice(0, -1)) {
      const next = (level.get(labels[name]) as Map<string, unknown> | undefined) ?? new Map<string, unknown>();
      level.set(labels[name], next);
      level = next;
    }
    const cell = this.#fresh();
    for (const name of this.#names.slice(-1)) level.set(labels[name], cell);
    this.all.push({ labels: { ...labels }, cell });
    return cell;
  }
}

/** A counter whose `count` is for the path of requests; `inc` works as ever. */
export class HotCounter<T extends string> extends Counter<T> {
  readonly #cells: Cells<T, { count: number }>;

  constructor(config: CounterConfiguration<T> & { readonly labelNames: readonly T[] }) {
    super(config);
    this.#cells = new Cells(config.labelNames, () => ({ count: 0 }));
  }

  count(labels: Labels<T>): void {
    this.#cells.of(labels).count++;
  }

  override get(): ReturnType<Counter<T>['get']> {
    for (const { labels, cell } of this.#cells.all) {
      if (cell.count > 0) this.inc(labels, cell.count);
      cell.count = 0;
    }
    return super.get();
  }
}

interface Distribution {
  /** How many values are within each bucket and no lower one; the last is for those above all buckets. */
  readonly counts: Float64Array;
  sum: number;
}

/** A histogram whose `record` is for the path of requests, and the only way to count in it. */
export class HotHistogram<T extends string> extends Histogram<T> {
  readonly #cells: Cells<T, Distribution>;
  readonly #bounds: readonly number[];
  readonly #name: string;
  /** Never counts anything: it says how a histogram looks that has not. */
  readonly #empty: Histogram<T>;

  /** The buckets' bounds ascend. */
  constructor(config: HistogramConfiguration<T> & { readonly labelNames: readonly T[]; readonly buckets: number[] }) {
    super(config);
    this.#empty = new Histogram({ ...config, registers: [] });
    this.#bounds = config.buckets;
    this.#name = config.name;
    this.#cells = new Cells(config.labelNames, () => ({ counts: new Float64Array(config.buckets.length + 1), sum: 0 }));
  }

  record(labels: Labels<T>, value: number): void {
    const cell = this.#cells.of(labels);
    const bounds = this.#bounds;
    let bucket = 0;
    while (bucket < bounds.length && value > (bounds[bucket] as number)) bucket++;
    cell.counts[bucket] = (cell.counts[bucket] as number) + 1;
    cell.sum += value;
  }

  override async get(): Promise<MetricObjectWithValues<MetricValueWithName<T>>> {
    const values = this.#cells.all.flatMap(({ labels, cell }) => this.#values(labels, cell));
    return { ...(await this.#empty.get()), values };
  }

  /** What a registry asks for where it is there. */
  getForPromString(): Promise<MetricObjectWithValues<MetricValueWithName<T>>> {
    return this.get();
  }

  /** As Prometheus has a histogram: each bucket with what is in those below it. */
  #values(labels: Labels<T>, { counts, sum }: Distribution): MetricValueWithName<T>[] {
    let total = 0;
    const buckets = [...this.#bounds, '+Inf'].map((le, bucket) => {
      total += counts[bucket] as number;
      return { metricName: `${this.#name}_bucket`, labels: { le, ...labels }, value: total };
    });
    return [
      ...buckets,
      { metricName: `${this.#name}_sum`, labels: { ...labels }, value: sum },
      { metricName: `${this.#name}_count`, labels: { ...labels }, value: total },
    ];
  }
}
