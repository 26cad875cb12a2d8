// A route's plan: its steps, the gates of the one that it is in with their sentences, and what a person may do.

import { useSignal } from '@preact/signals';
import type { JSX } from 'preact';
import type { RouteDetail } from '../answers.ts';
import { write } from '../api.ts';
import { mayForce, mayOperate } from '../session.ts';
import { ChangeForm } from './change-form.tsx';
import { openDialog } from './dialog.tsx';
import { Time } from './time.tsx';

type Plan = NonNullable<RouteDetail['plan']>;
type Action = 'start' | 'pause' | 'resume' | 'promote' | 'abort';

const ACTIONS: Readonly<Record<Plan['status'], readonly Action[]>> = {
  not_started: ['start'],
  running: ['promote', 'pause', 'abort'],
  paused: ['resume', 'abort'],
  completed: ['start'],
  aborted: ['start'],
  rolled_back: ['start'],
};

const SIGNS = { pass: '✓', fail: '✗', inconclusive: '…' } as const;

interface PlanPanelProps {
  readonly route: RouteDetail;
  readonly plan: Plan;
  readonly etag: string;
}

export function PlanPanel({ route, plan, etag }: PlanPanelProps): JSX.Element {
  const gates = plan.gates;
  return (
    <section class="panel">
      <h2>
        Plan {plan.plan} <span class={`plan-status ${plan.status}`}>{plan.status.replaceAll('_', ' ')}</span>
        {plan.mode === 'dry-run' ? <span class="faint"> dry run: moves nothing</span> : null}
      </h2>
      <ol class="steps">
        {plan.steps.map((step, index) => (
          <li
            key={`${index} ${step}`}
            aria-current={index + 1 === plan.step ? 'step' : undefined}
            class={stepClass(plan, index)}
          >
            {step}
          </li>
        ))}
      </ol>
      {plan.since ? (
        <p class="faint">
          In this step since <Time at={plan.since} />
        </p>
      ) : null}
      {plan.holds ? <p>{plan.holds}</p> : null}
      {plan.note ? <p>{plan.note}</p> : null}
      <ul class="gates">
        {gates.map(({ gate, status, sentence }) => (
          <li key={gate} class={status}>
            <span aria-hidden="true">{SIGNS[status]}</span> <strong>{gate}</strong> {status}: {sentence}
          </li>
        ))}
      </ul>
      {mayOperate.value ? (
        <div class="buttons">
          {ACTIONS[plan.status].map((action) => (
            <button key={action} type="button" onClick={() => askPlan(route, plan, action, etag)}>
              {action}…
            </button>
          ))}
        </div>
      ) : null}
    </section>
  );
}

function stepClass({ status, step }: Plan, index: number): string {
  if (status === 'completed' || index + 1 < step) return 'past';
  return index + 1 === step ? 'current' : 'future';
}

const MEANINGS: Readonly<Record<Action, (plan: Plan) => string>> = {
  start: ({ steps }) => `The route goes to ${steps[0]}, and on from there when the gates are met.`,
  pause: () => 'The route stays where it is until somebody resumes. The guard goes on watching.',
  resume: () => 'The plan goes on from where it is.',
  promote: ({ steps, step }) =>
    steps[step]
      ? `The route goes from ${steps[step - 1]} to ${steps[step]} now.`
      : 'The last step ends, and the plan is done.',
  abort: () => 'The plan ends, and the route stays where it is.',
};

function askPlan(route: RouteDetail, plan: Plan, action: Action, etag: string): void {
  openDialog(() => <PlanAction route={route} plan={plan} action={action} etag={etag} />);
}

function PlanAction({ route, plan, action, etag }: PlanPanelProps & { readonly action: Action }): JSX.Element {
  const force = useSignal(false);
  const unmet = plan.gates.filter(({ status }) => status !== 'pass');
  return (
    <ChangeForm
      title={`${action} the plan of ${route.id}`}
      verb={force.value ? `${action} against the gates` : action}
      about={`${action} the plan of ${route.id}`}
      danger={force.value}
      typed={force.value ? route.id : undefined}
      act={async (reason) => {
        const path = `/api/routes/${encodeURIComponent(route.id)}/plan`;
        const body = { action, reason, ...(force.value ? { force: true } : {}) };
        await write(path, { method: 'POST', body, ifMatch: etag });
        return `${route.id}: ${action} done`;
      }}
    >
      <p>{MEANINGS[action](plan)}</p>
      {action === 'promote' && unmet.length > 0 ? (
        <>
          <ul class="gates">
            {unmet.map(({ gate, status, sentence }) => (
              <li key={gate} class={status}>
                <strong>{gate}</strong> {status}: {sentence}
              </li>
            ))}
          </ul>
          {mayForce.value ? (
            <label class="choice">
              <input type="checkbox" checked={force.value} onChange={() => (force.value = !force.value)} />
              pass over the gates that are not met
            </label>
          ) : (
            <p class="faint">Only an admin can pass over gates that are not met.</p>
          )}
        </>
      ) : null}
    </ChangeForm>
  );
}
