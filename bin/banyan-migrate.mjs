#!/usr/bin/env node
import process from 'node:process';
// The `banyan-migrate` command: the data jobs, under a Node that can run it.
import { fileURLToPath } from 'node:url';
import { run } from './run.mjs';

run([fileURLToPath(new URL('../migration/main.ts', import.meta.url)), ...process.argv.slice(2)]);
