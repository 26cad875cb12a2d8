// Replaces a file so that a crash leaves the old or the new content, never a part, and what was answered stays.
import { open, rename } from 'node:fs/promises';
import { dirname } from 'node:path';

/** Stored, and on the disk, when it answers. `check` is called at the last moment, and may throw to have it left as it is. */
export async function replaceFile(file: string, content: string, check: () => void = () => {}): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  await syncing(temporary, 'w', (handle) => handle.writeFile(content));
  check();
  await rename(temporary, file);
  // The name too: without it a crash of the machine could bring the old file back. Windows cannot open a folder.
  if (process.platform !== 'win32') await syncing(dirname(file), 'r', async () => {});
}

type Handle = Awaited<ReturnType<typeof open>>;

async function syncing(path: string, flags: string, work: (handle: Handle) => Promise<void>): Promise<void> {
  const handle = await open(path, flags, 0o600);
  try {
    await work(handle);
    await handle.sync();
  } finally {
    await handle.close();
  }
}
