// What the player of Gaussians has beside the common controls: the background's button, more keys, its own help.

const HALF = "M12 3a9 9 0 1 0 0 18a9 9 0 1 0 0-18zM12 3v18";

export function addButtons(root, page, options, on) {
  if (options.floor === false) root.querySelector(".hp-note").hidden = true;
  const corner = root.querySelector(".hp-corner"), button = document.createElement("button");
  button.type = "button";
  button.style.padding = "0 8px";
  button.title = "Light or dark";
  button.setAttribute("aria-label", button.title);
  button.innerHTML = `<svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true"><path d="${HALF}" fill="none"
    stroke="currentColor" stroke-width="2"/><path d="M12 3a9 9 0 0 1 0 18z" fill="currentColor"/></svg>`;
  button.addEventListener("click", () => {
    options.theme = root.dataset.theme === "dark" ? "light" : "dark";
    on.theme();
  });
  corner.prepend(button);
  page.canvas.setAttribute("aria-label", `${options.title || "3D person"}. Drag to turn, two fingers or the right button to move,
    pinch or scroll to zoom. Space plays and pauses, arrow keys step, with Shift they turn; plus and minus zoom, 0 shows
    everything again, 1 2 3 show front, side and back.`.replace(/\s+/g, " "));
  const turn = (x, y) => () => on.orbit.turn(x * 0.04 * page.stage.clientHeight, y * 0.04 * page.stage.clientHeight);
  root.addEventListener("keydown", (event) => {
    if (event.target.matches("select, input, button, [role=slider]")) return;
    const act = { "+": () => on.orbit.zoom(0.9), "=": () => on.orbit.zoom(0.9), "-": () => on.orbit.zoom(1 / 0.9), 0: on.reset }[event.key]
      || (event.shiftKey && { ArrowLeft: turn(1, 0), ArrowRight: turn(-1, 0), ArrowUp: turn(0, -1), ArrowDown: turn(0, 1) }[event.key]);
    if (!act) return;
    event.preventDefault();
    event.stopPropagation(); // an arrow without Shift steps
    act();
  }, { capture: true });
  page.stage.addEventListener("dblclick", (event) => { if (!event.target.closest("button, [role=slider]")) on.reset(); });
}
