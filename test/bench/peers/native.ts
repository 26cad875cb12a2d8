// nginx and haproxy as they are set up for speed: one worker, keep-alive on both sides, no access log (which is in their
// favour: the gateway writes its own).

import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { eventually } from '../../helpers/deadline.ts';
import { freePort } from '../../helpers/free-port.ts';
import type { Processes, Running } from '../processes.ts';

export interface NativeOptions {
  readonly processes: Processes;
  readonly folder: string;
  /** `host:port` of the upstream. */
  readonly upstream: string;
  /** nginx only: where every request is mirrored to; its answer is thrown away. */
  readonly mirror?: string;
}

export interface NativeProxy {
  readonly running: Running;
  readonly address: string;
}

export async function startNginx(name: string, options: NativeOptions): Promise<NativeProxy> {
  const { processes, folder, upstream, mirror } = options;
  const port = await freePort();
  const prefix = join(folder, name);
  mkdirSync(prefix, { recursive: true });
  const file = join(prefix, 'nginx.conf');
  writeFileSync(file, nginxConfig({ port, prefix, upstream, mirror }));
  const args = ['-p', prefix, '-c', file, '-e', 'stderr'];
  const running = await processes.start({ name, command: 'nginx', args, pinned: true, env: SBIN });
  return { running, address: await whenOpen(name, port) };
}

export async function startHaproxy(name: string, options: NativeOptions): Promise<NativeProxy> {
  const port = await freePort();
  const file = join(options.folder, `${name}.cfg`);
  writeFileSync(file, haproxyConfig(port, options.upstream));
  const args = ['-db', '-f', file];
  const running = await options.processes.start({ name, command: 'haproxy', args, pinned: true, env: SBIN });
  return { running, address: await whenOpen(name, port) };
}

/** Debian keeps servers where only root's PATH looks. */
const SBIN = { PATH: `${process.env.PATH ?? ''}:/usr/sbin:/usr/local/sbin` };

interface NginxSettings {
  readonly port: number;
  readonly prefix: string;
  readonly upstream: string;
  readonly mirror: string | undefined;
}

function nginxConfig({ port, prefix, upstream, mirror }: NginxSettings): string {
  const shadow = mirror && `upstream shadow { server ${mirror}; keepalive 256; keepalive_requests 1000000000; }`;
  const copies =
    mirror &&
    `location = /mirror { internal; proxy_pass http://shadow$request_uri; proxy_http_version 1.1; proxy_set_header Connection ""; }`;
  return `
daemon off;
# The one process is the worker, so that its time and memory are what is read.
master_process off;
worker_processes 1;
pid ${prefix}/nginx.pid;
error_log stderr error;
events { worker_connections 4096; }
http {
  access_log off;
  client_body_temp_path ${prefix}/body;
  proxy_temp_path ${prefix}/proxy;
  fastcgi_temp_path ${prefix}/fastcgi;
  uwsgi_temp_path ${prefix}/uwsgi;
  scgi_temp_path ${prefix}/scgi;
  keepalive_requests 1000000000;
  upstream backend { server ${upstream}; keepalive 256; keepalive_requests 1000000000; }
  ${shadow ?? ''}
  server {
    listen 127.0.0.1:${port} backlog=1024;
    client_max_body_size 0;
    location / {
      ${mirror ? 'mirror /mirror; mirror_request_body off;' : ''}
      proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      # Large bodies pass through memory, not through files.
      proxy_max_temp_file_size 0;
      proxy_request_buffering off;
    }
    location /ws/ {
      proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection "upgrade";
      proxy_set_header Host $host;
    }
    location /api/sse/ {
      proxy_pass http://backend;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
      proxy_buffering off;
    }
    ${copies ?? ''}
  }
}
`;
}

function haproxyConfig(port: number, upstream: string): string {
  return `
global
  nbthread 1
  maxconn 4096
defaults
  mode http
  timeout connect 3s
  timeout client 30s
  timeout server 30s
  timeout tunnel 1h
  option http-keep-alive
  http-reuse always
frontend traffic
  bind 127.0.0.1:${port}
  default_backend upstream
backend upstream
  server one ${upstream} maxconn 4096 pool-max-conn 256
`;
}

async function whenOpen(name: string, port: number): Promise<string> {
  await eventually(() => isOpen(port), `${name} to listen on port ${port}`);
  return `127.0.0.1:${port}`;
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}
