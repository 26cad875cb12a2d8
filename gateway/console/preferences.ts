// How this browser shows things: kept here, since it is nobody else's business.
import { effect, signal } from '@preact/signals';
import { TIME_MODES, type TimeMode } from './format.ts';

export const THEMES = ['system', 'light', 'dark'] as const;
export type Theme = (typeof THEMES)[number];

function stored<Choice extends string>(key: string, choices: readonly Choice[], fallback: Choice): Choice {
  const kept = localStorage.getItem(key);
  return choices.find((choice) => choice === kept) ?? fallback;
}

export const theme = signal<Theme>(stored('banyan.theme', THEMES, 'system'));
export const timeMode = signal<TimeMode>(stored('banyan.times', TIME_MODES, 'relative'));

const system = window.matchMedia('(prefers-color-scheme: dark)');
const isSystemDark = signal(system.matches);
system.addEventListener('change', () => {
  isSystemDark.value = system.matches;
});

effect(() => localStorage.setItem('banyan.theme', theme.value));
// The style sheet knows two themes, and not who chose.
effect(() => {
  const isDark = theme.value === 'system' ? isSystemDark.value : theme.value === 'dark';
  document.documentElement.dataset.theme = isDark ? 'dark' : 'light';
});
effect(() => localStorage.setItem('banyan.times', timeMode.value));

/** The next of some choices, round and round. */
export function nextOf<Choice>(choices: readonly Choice[], current: Choice): Choice {
  return choices[(choices.indexOf(current) + 1) % choices.length] ?? current;
}
