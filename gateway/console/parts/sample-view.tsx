// One request and its two answers beside each other, with what differs marked.
import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { Sample } from '../answers.ts';
import { ApiError, write } from '../api.ts';
import { formatMs, NOTHING } from '../format.ts';
import { useLive } from '../live.ts';
import { mayOperate, session } from '../session.ts';
import { alignLines, type Cell, foldLines, type Line } from '../side-by-side.ts';
import { say } from '../toast.ts';
import { Loading } from './loading.tsx';
import { Time } from './time.tsx';

/** More lines than this are not drawn: the page would stand still. */
const LINES_MAX = 5_000;
/** Lines that are shown around what differs. */
const CONTEXT = 3;

interface SampleViewProps {
  readonly route: string;
  readonly n: string;
}

export function SampleView({ route, n }: SampleViewProps): JSX.Element {
  const path = `/api/routes/${encodeURIComponent(route)}/samples/${encodeURIComponent(n)}`;
  const live = useLive<Sample>(path);
  return (
    <section class="panel" aria-label={`Sample ${n}`}>
      <Loading live={live.value}>{(sample) => <SampleBody sample={sample} path={path} />}</Loading>
    </section>
  );
}

function SampleBody({ sample, path }: { readonly sample: Sample; readonly path: string }): JSX.Element {
  const { legacy, new: fresh, differences, outcome, detail, requestId, request } = sample;
  const lines = alignLines(
    legacy.body,
    fresh.body,
    differences.filter(({ rule }) => rule === undefined),
  );
  return (
    <>
      <h2>
        {sample.method} {sample.target}
      </h2>
      <p class="faint">
        {outcome}
        {detail ? `: ${detail}` : ''} · <Time at={sample.at} /> · request {requestId}{' '}
        <Elsewhere requestId={requestId} />
        {request.redacted.length > 0 ? ` · redacted: ${request.redacted.join(', ')}` : ''}
      </p>
      <ul class="found">
        {differences.map(({ path: place, kind, legacy: was, new: is, critical, rule }) => (
          <li key={`${place} ${kind}`} class={rule === undefined ? undefined : 'faint'}>
            <code>{place}</code> {kind}: <del>{was ?? NOTHING}</del> <ins>{is ?? NOTHING}</ins>
            {critical ? <span class="tag bad">critical</span> : null}
            {rule === undefined ? null : <span class="tag">rule {rule}</span>}
          </li>
        ))}
      </ul>
      {mayOperate.value ? <ReplayButton path={path} /> : null}
      <table class="sides">
        <thead>
          <tr>
            <th scope="col">legacy {sideText(legacy)}</th>
            <th scope="col">new {sideText(fresh)}</th>
          </tr>
        </thead>
        {lines ? <Lines lines={lines} /> : <Texts legacy={legacy.body} fresh={fresh.body} />}
      </table>
    </>
  );
}

/** Where the request is in the team's own tools. */
function Elsewhere({ requestId }: { readonly requestId: string }): JSX.Element {
  const links = Object.entries(session.value?.links ?? {}).filter(([, template]) => template !== null);
  return (
    <>
      {links.map(([name, template]) => (
        <a
          key={name}
          href={String(template).replaceAll('{requestId}', encodeURIComponent(requestId))}
          target="_blank"
          rel="noreferrer"
        >
          {name}
        </a>
      ))}
    </>
  );
}

function sideText({ status, failure, durationMs }: Sample['legacy']): string {
  return `${failure ?? status ?? ''} in ${formatMs(durationMs)} ms`;
}

function Lines({ lines }: { readonly lines: readonly Line[] }): JSX.Element {
  const whole = useSignal(false);
  const shown = whole.value ? lines : foldLines(lines, CONTEXT);
  return (
    <tbody>
      {shown.slice(0, LINES_MAX).map((line, index) =>
        'folded' in line ? (
          <tr key={`${index} folded`}>
            <td colSpan={2}>
              <button type="button" class="link" onClick={() => (whole.value = true)}>
                {line.folded} lines that are alike
              </button>
            </td>
          </tr>
        ) : (
          <tr key={`${index} ${line.pointer}`} class={line.differs ? 'differs' : undefined}>
            <Side cell={line.legacy} differs={line.differs} />
            <Side cell={line.new} differs={line.differs} />
          </tr>
        ),
      )}
      {shown.length > LINES_MAX ? (
        <tr>
          <td colSpan={2}>{shown.length - LINES_MAX} more lines are not shown.</td>
        </tr>
      ) : null}
    </tbody>
  );
}

function Side({ cell, differs }: { readonly cell: Cell | undefined; readonly differs: boolean }): JSX.Element {
  if (!cell) return <td class="absent" />;
  const text = '  '.repeat(cell.depth) + cell.text;
  return <td>{differs ? <mark>{text}</mark> : text}</td>;
}

/** Bodies that are not JSON. */
function Texts({ legacy, fresh }: { readonly legacy: string; readonly fresh: string }): JSX.Element {
  return (
    <tbody>
      <tr class={legacy === fresh ? undefined : 'differs'}>
        <td>{legacy}</td>
        <td>{fresh}</td>
      </tr>
    </tbody>
  );
}

function ReplayButton({ path }: { readonly path: string }): JSX.Element {
  const busy = useSignal(false);
  async function replay(): Promise<void> {
    busy.value = true;
    try {
      const { body } = await write<{ result: string }>(`${path}/replay`, { method: 'POST' });
      say(`Replayed on both sides: ${body.result}`);
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      say(error.message, 'bad');
    } finally {
      busy.value = false;
    }
  }
  return (
    <p>
      <button type="button" disabled={busy.value} onClick={() => void replay()}>
        Send it to both sides again
      </button>
    </p>
  );
}
