import { afterEach } from 'node:test';

export interface Closable {
  close(): unknown;
}

/** Answers a function that keeps what it is given, to be closed after the test in reverse order. To be called once a file. */
export function closingAfterEach(): <T extends Closable>(opening: T | Promise<T>) => Promise<T> {
  const open: Closable[] = [];
  afterEach(async () => {
    for (const each of open.splice(0).reverse()) await each.close();
  });
  return async (opening) => {
    const opened = await opening;
    open.push(opened);
    return opened;
  };
}
