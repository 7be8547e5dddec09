/** Panels beside the conversation, and keys. */

export class Panels {
  #panels;
  #opened;
  /** @type {HTMLElement | null} Where the focus goes back to. */
  #from = null;

  /**
   * @param {HTMLElement} settings
   * @param {HTMLElement} inspector
   * @param {(id: string) => void} opened
   */
  constructor(settings, inspector, opened) {
    this.#panels = [settings, inspector];
    this.#opened = opened;
    for (const panel of this.#panels) {
      this.#button(panel).addEventListener('click', () => this.toggle(panel.id));
      panel.querySelector('.close')?.addEventListener('click', () => this.close());
    }
  }

  /** @param {string} id */
  toggle(id) {
    const open = this.#panels.some((panel) => panel.id === id && !panel.hidden);
    if (open) this.close();
    else this.open(id);
  }

  /** @param {string} id */
  open(id) {
    const focused = document.activeElement;
    if (focused instanceof HTMLElement && !focused.closest('.panel')) this.#from = focused;
    for (const panel of this.#panels) this.#show(panel, panel.id === id);
    document.getElementById(`${id}-title`)?.focus();
    this.#opened(id);
  }

  /** Whether there was one. */
  close() {
    const open = this.#panels.find((panel) => !panel.hidden);
    if (!open) return false;
    this.#show(open, false);
    (this.#from?.isConnected && this.#from !== document.body
      ? this.#from
      : this.#button(open)
    ).focus();
    this.#from = null;
    return true;
  }

  /** @param {HTMLElement} panel @param {boolean} shown */
  #show(panel, shown) {
    panel.hidden = !shown;
    this.#button(panel).setAttribute('aria-expanded', String(shown));
    document.body.classList.toggle(
      'with-panel',
      this.#panels.some(({ hidden }) => !hidden),
    );
  }

  /** @param {HTMLElement} panel */
  #button(panel) {
    return /** @type {HTMLElement} */ (document.getElementById(`open-${panel.id}`));
  }
}

/**
 * Keys for the whole page. Single ones can be switched off, for who speaks to the computer by a
 * program that types.
 *
 * @param {{enabled: () => boolean, down: () => void, up: () => void, escape: () => unknown,
 *   keys: Record<string, () => unknown>}} does *down* and *up* are for the space bar
 */
export function shortcuts({ enabled, down, up, escape, keys }) {
  let pressed = false;
  document.addEventListener('keydown', (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === 'Escape') return void escape();
    const target = /** @type {HTMLElement} */ (event.target);
    const taken = target.closest('input, select, textarea, button, summary, a, [tabindex="0"]');
    if (!enabled()) return;
    if (event.key === ' ' && !taken) {
      event.preventDefault();
      if (event.repeat) return;
      pressed = true;
      down();
    } else if (!target.closest('input, select, textarea') && !event.repeat) {
      const does = keys[event.key.toLowerCase()];
      if (!does) return;
      event.preventDefault();
      does();
    }
  });
  document.addEventListener('keyup', (event) => {
    if (event.key !== ' ' || !pressed) return;
    pressed = false;
    up();
  });
}
