/** The round button: pressed once, or held for as long as one talks. */

/**
 * @param {HTMLElement} button
 * @param {{holds: () => boolean, press: () => void, hold: (pressed: boolean) => void}} does
 *   *holds*: whether it is for holding now
 * @returns {{down: () => void, up: () => void}} for a key that does the same
 */
export function talkButton(button, { holds, press, hold }) {
  let held = false;
  const set = (/** @type {boolean} */ pressed) => {
    if (pressed === held) return;
    held = pressed;
    button.setAttribute('aria-pressed', String(pressed));
    hold(pressed);
  };
  const down = () => (holds() ? set(true) : press());
  const up = () => set(false);

  button.addEventListener('pointerdown', (event) => {
    if (!holds() || event.button) return;
    button.setPointerCapture(event.pointerId);
    set(true);
  });
  for (const name of ['pointerup', 'pointercancel', 'lostpointercapture', 'blur'])
    button.addEventListener(name, up);
  button.addEventListener('contextmenu', (event) => {
    if (holds()) event.preventDefault(); // that of a long touch
  });
  let began = false; // by the key that is down, so that its release is no second press
  button.addEventListener('keydown', (event) => {
    if (event.key !== ' ' && event.key !== 'Enter') return;
    event.preventDefault();
    if (event.repeat) return;
    began = true;
    down();
  });
  button.addEventListener('keyup', (event) => {
    if (event.key !== ' ' && event.key !== 'Enter') return;
    event.preventDefault();
    if (began) up();
    began = false;
  });
  button.addEventListener('click', (event) => {
    if (!holds()) {
      if (!held) press();
    } else if (event.detail === 0) set(!held); // by a screen reader, which cannot hold
  });
  // What takes the page away takes the finger away, too.
  window.addEventListener('blur', up);
  return { down, up };
}
