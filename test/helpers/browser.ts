// As much of a browser as signing in needs: it keeps cookies, and says where its requests come from.

export interface BrowserAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

export interface Browser {
  /** Cookies as kept: name to value. */
  readonly cookies: ReadonlyMap<string, string>;
  /** Fields of Set-Cookie as they last came. */
  readonly setCookies: readonly string[];
  /** Sends a request as a script of the origin's own pages does, unless fields say otherwise. */
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<BrowserAnswer>;
}

export function createBrowser(origin: string): Browser {
  const cookies = new Map<string, string>();
  let setCookies: readonly string[] = [];
  return {
    cookies,
    get setCookies() {
      return setCookies;
    },
    async send(method, path, body, headers = {}) {
      const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
      const response = await fetch(new URL(path, origin), {
        method,
        redirect: 'manual',
        headers: {
          ...(method === 'GET' ? {} : { origin, 'sec-fetch-site': 'same-origin' }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...(cookie === '' ? {} : { cookie }),
          ...headers,
        },
        body: body === undefined ? null : JSON.stringify(body),
      });
      setCookies = response.headers.getSetCookie();
      for (const field of setCookies) keep(cookies, field);
      return { status: response.status, headers: response.headers, text: await response.text() };
    },
  };
}

function keep(cookies: Map<string, string>, field: string): void {
  const [pair = ''] = field.split(';');
  const name = pair.slice(0, pair.indexOf('='));
  if (/Max-Age=0(?:;|$)/i.test(field)) cookies.delete(name);
  else cookies.set(name, pair.slice(name.length + 1));
}
