// The grammar of `banyan diffs replay`.
import { type Command, InvalidArgumentError } from 'commander';
import type { Answer, Print } from './answer.ts';
import { CommandError, EXIT } from './exit.ts';
import { fetchSuite, readHeaders, replayOnBuild, replayOnGateway } from './replay.ts';
import { readSuite, saveSuite } from './suite.ts';

interface ReplayArguments {
  readonly sample?: number;
  readonly against?: string;
  readonly header: readonly string[];
  readonly save?: string;
  readonly from?: string;
}

export function addReplayCommand(diffs: Command, answer: Answer, print: Print): void {
  diffs
    .command('replay [id]')
    .description("send the requests of a route's samples again and judge the answers; exit code 6 when one is wrong")
    .option('--sample <n>', 'that sample only', sampleNumber)
    .option(
      '--against <url>',
      'from here to another build, beside the answers that legacy gave; without it the gateway asks both sides',
    )
    .option('--header <name:value>', 'a field to send, such as credentials; @FILE reads them from a file', collect, [])
    .option('--save <file>', 'keep the samples and rules in a file')
    .option('--from <file>', "take them from such a file instead of a gateway's route; needs --against")
    .action((id: string | undefined, options: ReplayArguments) => {
      const headers = readHeaders(options.header);
      const { from, against, sample, save } = options;
      if (from !== undefined) {
        if (against === undefined) throw new CommandError(EXIT.usage, '--from needs --against URL');
        if (id !== undefined || sample !== undefined || save !== undefined) {
          throw new CommandError(EXIT.usage, '--from takes all from its file: no ID, --sample or --save beside it');
        }
        return replayOnBuild(against, readSuite(from), headers).then(print);
      }
      if (id === undefined) throw new CommandError(EXIT.usage, 'name a route, or a file with --from FILE');
      return answer(async (api) => {
        const suite = await fetchSuite(api, id, sample);
        if (save !== undefined) saveSuite(save, suite);
        return against === undefined ? replayOnGateway(api, suite, headers) : replayOnBuild(against, suite, headers);
      })();
    });
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value];
}

function sampleNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('expected the number of a sample');
  return value;
}
