// SPDX-License-Identifier: Apache-2.0
// Questions in front of the page. The browser's own dialog keeps the focus inside and closes on Escape.
import { signal } from "@preact/signals";
import type { ComponentChildren, JSX } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { t } from "../i18n/index.ts";
import { Icon } from "./icons.tsx";

export interface Shown {
  title: string;
  content: () => ComponentChildren;
}

export const shown = signal<Shown | null>(null);

export const openDialog = (dialog: Shown): void => {
  shown.value = dialog;
};
export const closeDialog = (): void => {
  shown.value = null;
};

export function DialogHost(): JSX.Element | null {
  const dialog = shown.value;
  return dialog && <Dialog key={dialog.title} {...dialog} />;
}

function Dialog({ title, content }: Shown): JSX.Element {
  const element = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const before = document.activeElement;
    element.current?.showModal();
    element.current?.querySelector<HTMLElement>("[data-first]")?.focus();
    return () => {
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, []);
  const onClick = (event: MouseEvent) => {
    if (event.target === element.current) closeDialog(); // beside it
  };
  return (
    <dialog ref={element} class="dialog" aria-labelledby="dialog-title" onClose={closeDialog} onClick={onClick}>
      <div class="dialog-head">
        <h2 id="dialog-title">{title}</h2>
        <button type="button" class="button quiet icon-only" aria-label={t("common.close")} onClick={closeDialog}>
          <Icon name="close" />
        </button>
      </div>
      <div class="dialog-body">{content()}</div>
    </dialog>
  );
}

/** For what cannot be taken back. */
export function confirmThat(title: string, text: string, yes: string, no: string, then: () => void): void {
  openDialog({
    title,
    content: () => (
      <>
        <p>{text}</p>
        <div class="dialog-actions">
          <button type="button" class="button" data-first onClick={closeDialog}>
            {no}
          </button>
          <button
            type="button"
            class="button danger"
            onClick={() => {
              closeDialog();
              then();
            }}
          >
            {yes}
          </button>
        </div>
      </>
    ),
  });
}
