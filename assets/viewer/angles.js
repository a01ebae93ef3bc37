// The playhead over curves of joint angles: it follows the player of OPTIONS.player, and a click moves that player.
// OPTIONS: {player: CSS selector of its iframe in the page round this one, seconds, fps}
const plot = document.querySelector(".js-plotly-plot"), head = document.getElementById("head");
let shown = -1;
function player() {
  try {
    return window.parent.document.querySelector(OPTIONS.player).contentWindow.humanavPlayer || null;
  } catch { return null; } // there is none, or another site's page is round this one
}
function panels() { return [...plot.querySelectorAll(".nsewdrag")].map((panel) => panel.getBoundingClientRect()); }
function place(time) {
  const boxes = panels();
  if (!boxes.length || time === shown) return;
  shown = time;
  const part = Math.min(Math.max(time / OPTIONS.seconds, 0), 1);
  const columns = new Set(boxes.map((box) => Math.round(box.left)));
  while (head.children.length < columns.size) head.append(document.createElement("i"));
  [...columns].forEach((left, k) => {
    const column = boxes.filter((box) => Math.round(box.left) === left), line = head.children[k];
    const top = Math.min(...column.map((box) => box.top)), bottom = Math.max(...column.map((box) => box.bottom));
    line.style.cssText = `left:${column[0].left + part * column[0].width}px;top:${top}px;height:${bottom - top}px`;
  });
  document.body.dataset.time = time.toFixed(3);
}
function go(time) {
  const found = player();
  if (found) { found.pause(); found.seek(Math.min(time, OPTIONS.seconds - 1e-4)); }
  place(time);
}
plot.addEventListener("pointerdown", (event) => {
  for (const box of panels()) {
    const { clientX: x, clientY: y } = event;
    if (x < box.left || x > box.right || y < box.top || y > box.bottom) continue;
    go(OPTIONS.seconds * (event.clientX - box.left) / box.width);
    return;
  }
}, true);
addEventListener("keydown", (event) => {
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (step) { event.preventDefault(); go(Math.min(Math.max(shown + step / OPTIONS.fps, 0), OPTIONS.seconds)); }
});
addEventListener("resize", () => { const time = shown; shown = -1; setTimeout(() => place(Math.max(time, 0)), 120); });
(function follow() {
  requestAnimationFrame(follow);
  const found = player();
  if (found && found.state.ready) place(found.state.time); else if (shown < 0) place(0);
})();
