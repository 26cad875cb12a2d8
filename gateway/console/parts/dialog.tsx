// The one dialog of the page: native, so that focus, Escape and the backdrop behave as people know them.
import { signal } from '@preact/signals';
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';

const shown = signal<(() => JSX.Element) | undefined>(undefined);

/** Shows a dialog in the place of whatever is shown. */
export function openDialog(content: () => JSX.Element): void {
  shown.value = content;
}

export function closeDialog(): void {
  shown.value = undefined;
}

export function DialogHost(): JSX.Element | null {
  const Content = shown.value;
  return Content ? <Content /> : null;
}

interface DialogProps {
  readonly title: string;
  readonly children: ComponentChildren;
  /** Of dialogs that change something. */
  readonly alert?: boolean;
  readonly wide?: boolean;
}

/** The element with the attribute `data-focus` has the focus first. */
export function Dialog({ title, children, alert = false, wide = false }: DialogProps): JSX.Element {
  const ref = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  useEffect(() => {
    const before = document.activeElement;
    ref.current?.showModal();
    ref.current?.querySelector<HTMLElement>('[data-focus]')?.focus();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  return (
    <dialog
      ref={ref}
      role={alert ? 'alertdialog' : 'dialog'}
      class={wide ? 'wide' : undefined}
      aria-labelledby={titleId}
      onClose={closeDialog}
    >
      <h2 id={titleId}>{title}</h2>
      {children}
    </dialog>
  );
}
