// The grammar of the commands about the audit log.
import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Answer, Output, Print } from './answer.ts';
import { type ExportFormat, exportAudit, showAudit, verifyFile, verifyGateway } from './audit.ts';
import { CommandError, EXIT } from './exit.ts';

interface AuditArguments {
  readonly route?: string;
  readonly limit?: number;
  readonly export?: ExportFormat;
}

export function addAuditCommands(program: Command, answer: Answer, print: Print, output: Output): void {
  const audit = program
    .command('audit')
    .description('who changed what, when and why, newest first')
    .option('--route <id>', 'of one route only')
    .option('--limit <n>', 'at most so many entries', entryCount)
    .addOption(
      new Option('--export <format>', 'write the whole log to stdout instead, the oldest first').choices([
        'csv',
        'json',
      ]),
    )
    .action(({ export: format, ...query }: AuditArguments) => {
      if (format === undefined) return answer((api) => showAudit(api, query))();
      if (Object.keys(query).length > 0) {
        throw new CommandError(EXIT.usage, 'an export is the whole log: no --route or --limit beside it');
      }
      return answer((api) => exportAudit(api, format, output))();
    });
  audit
    .command('verify [file]')
    .description("verify the chain of a gateway's log, or of an export; exit code 6 when it is broken")
    .option('--head <hash>', 'a hash that the log had once: without it a cut end cannot be seen', entryHash)
    .action((file: string | undefined, { head }: { head?: string }) => {
      if (file === undefined) return answer((api) => verifyGateway(api, head))();
      return verifyFile(file, head).then(print);
    });
}

function entryCount(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('expected a whole number');
  return value;
}

function entryHash(text: string): string {
  if (!/^[0-9a-f]{64}$/.test(text))
    throw new InvalidArgumentError('expected the hash of an entry: 64 hexadecimal digits');
  return text;
}
