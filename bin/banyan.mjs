#!/usr/bin/env node
import process from 'node:process';
// The `banyan` command: the CLI, under a Node that can run it.
import { fileURLToPath } from 'node:url';
import { run } from './run.mjs';

/** For `serve`: 40 MB less under load than with Node's own 16, for no more time (docs/performance.md). */
const FLAGS = ['--max-semi-space-size=8'];

run([...FLAGS, fileURLToPath(new URL('../gateway/cli/main.ts', import.meta.url)), ...process.argv.slice(2)]);
