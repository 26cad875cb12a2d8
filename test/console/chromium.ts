// A real Chromium for the tests of the console: the system's, or the one that CHROMIUM names.
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type Browser, chromium } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];

function findChromium(): string | undefined {
  const { CHROMIUM, PATH = '' } = process.env;
  const folders = PATH.split(delimiter);
  const candidates = [
    ...(CHROMIUM ? [CHROMIUM] : []),
    ...NAMES.flatMap((name) => folders.map((each) => join(each, name))),
  ];
  return candidates.find((file) => {
    try {
      accessSync(file, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

const executablePath = findChromium();

/** Why tests in a browser are skipped here, or false. */
export const withoutChromium: string | false =
  executablePath === undefined && 'there is no chromium on PATH: install it, or name one by CHROMIUM';

export function launchChromium(): Promise<Browser> {
  if (executablePath === undefined) throw new Error(String(withoutChromium));
  // Its own sandbox needs rights that a container's root does not have; what it opens here is only ours, on loopback.
  return chromium.launch({ executablePath, args: ['--no-sandbox'] });
}
