// The grammar of the commands that change something: stage, rollback, plan, promote.
import type { Command } from 'commander';
import { STAGES } from '../rollout/stage.ts';
import type { Answer, Output, Watching } from './answer.ts';
import type { ApiClient } from './client.ts';
import { liftOverride, moveStage, rollBack, type StageOptions } from './commands.ts';
import { CommandError, EXIT } from './exit.ts';
import { percentOf, wholeNumber } from './numbers.ts';
import { actOnPlan, type PlanOptions, showPlan } from './plan.ts';
import { rehearse } from './rehearsal.ts';
import { watchable } from './repeat.ts';
import { showLackedWrites } from './writes.ts';

const DRY_RUN = 'say what would be changed, and change nothing';

interface DryRun {
  readonly dryRun?: boolean;
}

interface RollbackArguments extends DryRun {
  readonly reason: string;
  readonly all?: boolean;
  readonly lift?: boolean;
  readonly yes?: boolean;
}

type Work = Parameters<Answer>[0];

function maybe(dryRun: boolean | undefined, work: Work): Work {
  return dryRun ? (api) => rehearse(api, work) : work;
}

export function addChangingCommands(program: Command, answer: Answer, output: Output): void {
  program
    .command('stage <id> <stage>')
    .description(`move a route to a stage: ${STAGES.join(', ')}`)
    .requiredOption('--reason <text>', 'why; the audit log keeps it')
    .option(
      '--percent <n>',
      'share of users that a canary serves from the new side: 1 to 99, or 0.01 to 0.99',
      percentOf,
    )
    .option('--mirror-percent <n>', 'share of users whose requests are copied', wholeNumber)
    .option('-f, --force', 'overwrite what has changed since')
    .option('-n, --dry-run', DRY_RUN)
    .action((id: string, stage: string, { dryRun, ...options }: StageOptions & DryRun) => {
      if (!STAGES.some((each) => each === stage)) {
        throw new CommandError(EXIT.usage, `there is no stage ${stage}; it is one of ${STAGES.join(', ')}`);
      }
      return answer(maybe(dryRun, (api) => moveStage(api, id, stage, options)))();
    });
  program
    .command('rollback [id]')
    .description('force a route, or with --all every route, back to legacy, at once')
    .requiredOption('--reason <text>', 'why; the audit log keeps it')
    .option('--all', 'every route')
    .option('--lift', 'end the override instead, so that the flags decide again')
    .option('--yes', 'do not ask, at a terminal, where legacy lacks writes')
    .option('-n, --dry-run', DRY_RUN)
    .action((id: string | undefined, { reason, all, lift, yes, dryRun }: RollbackArguments) => {
      if ((id === undefined) === !all) throw new CommandError(EXIT.usage, 'name a route, or --all for every route');
      const work = async (api: ApiClient) => {
        if (lift) return liftOverride(api, id, reason);
        if (!yes && !dryRun) await showLackedWrites(api, id, output);
        return rollBack(api, id, reason);
      };
      return answer(maybe(dryRun, work))();
    });
}

const PLAN_ACTIONS = ['start', 'pause', 'resume', 'abort'] as const;

interface PlanArguments extends DryRun, Watching {
  readonly reason?: string;
}

export function addPlanCommands(program: Command, answer: Answer): void {
  watchable(program.command('plan <id> [action]'))
    .description(
      `show a route's plan with its gates, or ${PLAN_ACTIONS.join(', ')} it; abort takes the route back to legacy`,
    )
    .option('--reason <text>', 'why; the audit log keeps it')
    .option('-n, --dry-run', DRY_RUN)
    .action((id: string, action: string | undefined, { reason, dryRun, ...watching }: PlanArguments) => {
      if (action === undefined) return answer((api) => showPlan(api, id), watching)();
      if (watching.watch) throw new CommandError(EXIT.usage, `--watch shows a plan; leave out ${action}`);
      if (!PLAN_ACTIONS.some((each) => each === action)) {
        throw new CommandError(EXIT.usage, `a plan cannot ${action}; it can ${PLAN_ACTIONS.join(', ')}`);
      }
      if (reason === undefined) throw new CommandError(EXIT.usage, `say why with --reason, to ${action} a plan`);
      return answer(maybe(dryRun, (api) => actOnPlan(api, id, action, { reason })))();
    });
  program
    .command('promote <id>')
    .description('move a route one step on in its plan, if the gates allow; exit code 6 when one is not met')
    .requiredOption('--reason <text>', 'why; the audit log keeps it')
    .option('-f, --force', 'pass over gates that are not met; needs the role admin')
    .option('-n, --dry-run', DRY_RUN)
    .action((id: string, { dryRun, ...options }: PlanOptions & DryRun) =>
      answer(maybe(dryRun, (api) => actOnPlan(api, id, 'promote', options)))(),
    );
}
