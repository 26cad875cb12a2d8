// Short messages after something was done, read out by screen readers.
import { signal } from '@preact/signals';

const SHOWN_MS = 8_000;
const TOASTS_MAX = 4;

export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly tone: 'good' | 'bad';
}

export const toasts = signal<readonly Toast[]>([]);
let last = 0;

export function say(text: string, tone: Toast['tone'] = 'good'): void {
  const id = ++last;
  toasts.value = [...toasts.value, { id, text, tone }].slice(-TOASTS_MAX);
  setTimeout(() => dismiss(id), SHOWN_MS);
}

export function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id);
}
