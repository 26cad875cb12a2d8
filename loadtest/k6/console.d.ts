/** k6's console, which its types leave out: to stderr, a line each. */
declare const console: { error(text: string): void };
