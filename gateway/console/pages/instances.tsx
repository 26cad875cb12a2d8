// The processes that serve, and the backends behind them.
import type { JSX } from 'preact';
import type { DeploymentState, InstanceList, NotificationTargets, Status } from '../answers.ts';
import { formatCount } from '../format.ts';
import { useLive } from '../live.ts';
import { Loading } from '../parts/loading.tsx';
import { TableHead } from '../parts/table-head.tsx';
import { Time } from '../parts/time.tsx';

export function InstancesPage(): JSX.Element {
  const instances = useLive<InstanceList>('/api/instances');
  const status = useLive<Status>('/api/status');
  const deployment = useLive<DeploymentState>('/api/deployment');
  const targets = useLive<NotificationTargets>('/api/notifications');
  return (
    <>
      <header class="page-head">
        <h1>Instances</h1>
      </header>
      <Loading live={instances.value}>{(list) => <Processes {...list} />}</Loading>
      <Loading live={status.value}>{({ upstreams }) => <Upstreams upstreams={upstreams} />}</Loading>
      <Loading live={deployment.value}>{(state) => <Versions {...state} />}</Loading>
      <Loading live={targets.value}>{(list) => <Targets {...list} />}</Loading>
    </>
  );
}

function Processes({ instances }: InstanceList): JSX.Element {
  return (
    <table>
      <TableHead titles={['Process', 'State', 'Since', 'Requests', 'Version of its settings']} />
      <tbody>
        {instances.map(({ pid, state, startedAt, requests, version }) => (
          <tr key={pid}>
            <th scope="row">{pid}</th>
            <td>{state}</td>
            <td>
              <Time at={startedAt} />
            </td>
            <td>{formatCount(requests)}</td>
            <td>{version}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Upstreams({ upstreams }: Pick<Status, 'upstreams'>): JSX.Element {
  return (
    <section>
      <h2>Backends</h2>
      <table>
        <TableHead titles={['Side', 'Address', 'Health', 'In flight']} />
        <tbody>
          {(['legacy', 'new'] as const).map((side) => {
            const { url, healthy, problem, inFlight } = upstreams[side];
            return (
              <tr key={side}>
                <th scope="row">{side}</th>
                <td>{url}</td>
                <td>{healthy === null ? 'not checked' : healthy ? 'healthy' : `down: ${problem}`}</td>
                <td>{formatCount(inFlight)}</td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </section>
  );
}

function Versions({ versions, deployment }: DeploymentState): JSX.Element | null {
  if (versions.length === 0) return null;
  return (
    <section>
      <h2>Versions of the new side</h2>
      <table>
        <TableHead titles={['Version', 'Address', 'Serves']} />
        <tbody>
          {versions.map(({ version, url, percent }) => (
            <tr key={version}>
              <th scope="row">{version}</th>
              <td>{url}</td>
              <td>{percent} %</td>
            </tr>
          ))}
        </tbody>
      </table>
      {deployment && (
        <p>
          {deployment.from} → {deployment.to}: {deployment.status} since <Time at={deployment.enteredAt} />, by{' '}
          {deployment.actor}: {deployment.reason}
          {deployment.holds === null ? '' : ` (${deployment.holds})`}
        </p>
      )}
    </section>
  );
}

function Targets({ targets }: NotificationTargets): JSX.Element | null {
  if (targets.length === 0) return null;
  return (
    <section>
      <h2>Who is told</h2>
      <table>
        <TableHead titles={['Target', 'From', 'Sent', 'Failed', 'Dropped', 'Waiting', 'State']} />
        <tbody>
          {targets.map(({ name, kind, severity, sent, failed, dropped, waiting, problem }) => (
            <tr key={name}>
              <th scope="row">
                {name} <span class="faint">{kind}</span>
              </th>
              <td>{severity}</td>
              <td>{formatCount(sent)}</td>
              <td>{formatCount(failed)}</td>
              <td>{formatCount(dropped)}</td>
              <td>{formatCount(waiting)}</td>
              <td>{problem ?? 'well'}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}
