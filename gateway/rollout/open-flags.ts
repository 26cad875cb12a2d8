// Opens the flags where the configuration says that they are.
import { readFlagTokens } from '../../config/flag-tokens.ts';
import type { FlagsConfig } from '../../config/flags-schema.ts';
import { type Flags, openFileFlags } from './flags.ts';

/** @throws {ConfigError} when a token cannot be read; an Unleash server that cannot be reached is no error. */
export async function openFlags(config: FlagsConfig): Promise<Flags> {
  if (config.provider === 'file') return openFileFlags(config.file);
  // Loaded only where it is used: its client takes 20 MB.
  const { openUnleashFlags } = await import('./unleash-flags.ts');
  return openUnleashFlags({ config, tokens: readFlagTokens(config, 'configuration') });
}
