#!/usr/bin/env node
import process from 'node:process';
// The `banyan` command: the CLI, under a Node that can run it.
import { fileURLToPath } from 'node:url';
import { run } from './run.mjs';

run([fileURLToPath(new URL('../gateway/cli/main.ts', import.meta.url)), ...process.argv.slice(2)]);
