"""How the report of a batch looks, in light and dark, and its few lines of script."""

STYLE = """
:root { --back: #faf9f7; --card: #fff; --line: #e6e4df; --text: #292826; --soft: #65625c; --accent: #0f7661;
  --bad: #b3261e;
  --badback: #fdeceb; --goodback: #e3f5ee; --wait: #8a867e; --shot: #efede9; }
@media (prefers-color-scheme: dark) { :root { --back: #121211; --card: #1c1b1a; --line: #35332f; --text: #ecebe8;
  --soft: #a9a59d; --accent: #71cfb5; --bad: #ff9d94; --badback: #3a1c1a; --goodback: #12322a; --wait: #8f8b83;
  --shot: #262523; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--back); color: var(--text);
  font: 16px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 28px clamp(16px, 4vw, 28px) 40px; }
h1 { font-size: clamp(23px, 4vw, 30px); line-height: 1.2; letter-spacing: -.02em; margin: 0 0 6px;
  overflow-wrap: anywhere; }
.summary { margin: 0 0 14px; color: var(--soft); }
.bar { display: flex; height: 10px; border-radius: 5px; overflow: hidden; background: var(--line); }
.bar i { display: block; } .bar .done { background: var(--accent); } .bar .failed { background: var(--bad); }
.bar .running { background: color-mix(in srgb, var(--accent) 40%, transparent); }
.stopped { margin: 14px 0 0; padding: 10px 14px; border-radius: 10px; background: var(--badback); color: var(--bad); }
nav { display: flex; flex-wrap: wrap; gap: 8px; margin: 20px 0 16px; }
nav button { font: inherit; font-size: 15px; padding: 7px 14px; border-radius: 999px;
  border: 1px solid var(--line); cursor: pointer;
  background: var(--card); color: var(--text); }
nav button[aria-pressed=true] { border-color: var(--accent); box-shadow: inset 0 0 0 1px var(--accent); }
nav b { color: var(--soft); font-weight: 600; }
:focus-visible { outline: 3px solid color-mix(in srgb, var(--accent) 60%, transparent); outline-offset: 2px; }
.cards { display: grid; gap: 16px; grid-template-columns: repeat(auto-fill, minmax(min(100%, 270px), 1fr));
  align-items: start; }
article { background: var(--card); border: 1px solid var(--line); border-radius: 14px; overflow: hidden; }
article[hidden] { display: none; }
.shot { aspect-ratio: 4 / 3; background: var(--shot); display: grid; place-items: center; }
.shot img { width: 100%; height: 100%; object-fit: contain; display: block; }
.shot .none { color: var(--soft); font-size: 15px; }
article.failed .shot { aspect-ratio: auto; height: 64px; background: var(--badback); }
article.failed .none { color: var(--bad); }
.text { padding: 12px 16px 16px; }
h2 { font-size: 16px; margin: 0 0 6px; overflow-wrap: anywhere; }
.state { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 10px; margin: 0 0 8px; font-size: 14px;
  color: var(--soft); }
.pill { border-radius: 999px; padding: 1px 10px; font-weight: 600; background: var(--shot); color: var(--soft); }
.done .pill { background: var(--goodback); color: var(--accent); } .failed .pill { background: var(--badback);
  color: var(--bad); }
.said { margin: 0 0 8px; font-size: 15px; overflow-wrap: anywhere; }
ul { margin: 0; padding: 0; list-style: none; font-size: 14px; }
li { padding: 2px 0; overflow-wrap: anywhere; } li span { color: var(--soft); }
details { margin: 6px 0 0; font-size: 14px; } summary { cursor: pointer; color: var(--soft); padding: 3px 0; }
details ul { padding-left: 14px; }
a { color: var(--accent); text-underline-offset: 3px; }
.passed { margin-top: 24px; }
footer { margin-top: 28px; padding-top: 14px; border-top: 1px solid var(--line); color: var(--soft); font-size: 14px;
  display: flex; flex-wrap: wrap; gap: 4px 24px; justify-content: space-between; overflow-wrap: anywhere; }
"""

SCRIPT = """
const buttons = [...document.querySelectorAll('nav button')], cards = [...document.querySelectorAll('article')];
function show(state) {
  buttons.forEach(b => b.setAttribute('aria-pressed', String(b.dataset.show === state)));
  cards.forEach(c => { c.hidden = state !== 'all' && c.dataset.state !== state; });
}
buttons.forEach(b => b.addEventListener('click', () => {
  history.replaceState(null, '', '#' + b.dataset.show);
  show(b.dataset.show);
}));
const wanted = location.hash.slice(1);
if (buttons.some(b => b.dataset.show === wanted)) show(wanted);
if (document.body.dataset.going === 'true') {
  setInterval(() => { if (!document.querySelector('details[open]')) location.reload(); }, 5000);
}
"""
