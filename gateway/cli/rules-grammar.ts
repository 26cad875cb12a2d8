// The grammar of the commands about rules for comparing.
import type { Command } from 'commander';
import { RULE_KINDS } from '../../config/compare-rules.ts';
import type { Answer, Output } from './answer.ts';
import { addRule, exportRules, listRules, removeRule } from './rules.ts';

interface AddArguments {
  readonly reason: string;
  readonly owner: string;
  readonly expires?: string;
  readonly permanent?: string;
  readonly yes?: boolean;
  readonly dryRun?: boolean;
}

export function addRuleCommands(program: Command, answer: Answer, output: Output): void {
  const rules = program
    .command('rules')
    .description('list the rules for comparing: what they cover, who answers for them, until when')
    .option('--route <id>', 'of one route only')
    .action(({ route }: { route?: string }) => answer((api) => listRules(api, route))());
  rules
    .command('add <route> <kind> <rule...>')
    .description(
      `make a rule, after showing what it hides; KIND is one of ${RULE_KINDS.join(', ')}, RULE is its path, then NAME=VALUE for other fields`,
    )
    .addHelpText(
      'after',
      "\nExample: banyan rules add orders.get normalise '$.price' as=number --expires 2027-01-31 ...",
    )
    .requiredOption('--reason <text>', 'why the exception is right; shown wherever the rule has an effect')
    .requiredOption('--owner <name>', 'who answers for it')
    .option('--expires <day>', 'the last day (UTC) on which it holds, as YYYY-MM-DD')
    .option('--permanent <why>', 'instead of a last day: why it has none')
    .option('-n, --dry-run', 'only show what it would hide')
    .option('--yes', 'do not ask')
    .action((route: string, kind: string, [path = '', ...fields]: string[], { yes, dryRun, ...given }: AddArguments) =>
      answer((api) => {
        const options = { yes: yes === true, dryRun: dryRun === true };
        return addRule(api, { route, kind, path, fields, ...given }, options, output);
      })(),
    );
  rules
    .command('remove <id>')
    .description("end an operator's rule, so that what it covered counts again")
    .requiredOption('--reason <text>', 'why; the audit log keeps it')
    .action((id: string, { reason }: { reason: string }) => answer((api) => removeRule(api, id, reason))());
  rules
    .command('export')
    .description('print the rules in force as YAML, to be pasted into the configuration')
    .action(() => answer((api) => exportRules(api, rules.opts<{ route?: string }>().route))());
}
