"""What Lighthouse would ask of the page, in Chromium: errors in the console, width of a phone, keyboard, contrast.

Each tab is opened anew, light and dark, as wide as a desk's and a phone's screen. A fault is a sentence that names the
tab and the element.
"""

from __future__ import annotations

from typing import Any

WIDTHS = {"desk": 1280, "phone": 390}
FLAGS = ["--no-sandbox", "--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
_MOST_TABS = 150
"""So many presses of the tab key go round any page of ours."""

_NAMED = """
  const short = (el) => `${el.tagName.toLowerCase()}${el.id ? '#' + el.id : ''}` +
    `${typeof el.className === 'string' && el.className ? '.' + el.className.trim().split(/\\s+/)[0] : ''}` +
    ` "${(el.innerText || el.getAttribute('aria-label') || el.value || '').trim().slice(0, 40)}"`;
  const shown = (el) => {
    if (el.closest('[aria-hidden=true], [inert]')) return false;
    const box = el.getBoundingClientRect();
    return box.width > 1 && box.height > 1 && el.checkVisibility({ opacityProperty: true, visibilityProperty: true });
  };
"""

CONTRAST = "() => {" + _NAMED + """
  const read = (text) => { const n = text.match(/[\\d.]+/g).map(Number); return n.length < 4 ? [...n, 1] : n; };
  const over = (top, below) => [0, 1, 2].map((k) => top[k] * top[3] + below[k] * (1 - top[3]));
  const light = (rgb) => { const [r, g, b] = rgb.map((v) => { v /= 255;
    return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = (el) => { const layers = [];
    for (let at = el; at; at = at.parentElement) { const style = getComputedStyle(at);
      if (style.backgroundImage !== 'none') return null;
      if (!/^rgba?\\(/.test(style.backgroundColor)) return null;
      const layer = read(style.backgroundColor); if (layer[3] > 0) layers.push(layer); if (layer[3] === 1) break; }
    return layers.reverse().reduce((below, top) => over(top, below), [255, 255, 255]); };
  const faults = new Set(); let looked = 0;
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const el = walker.currentNode.parentElement;
    if (!walker.currentNode.textContent.trim() || !shown(el) || el.closest('svg, script, style')) continue;
    if (el.closest('[disabled], [aria-disabled=true]')) continue;
    const style = getComputedStyle(el), back = ground(el);
    if (!back || !/^rgba?\\(/.test(style.color)) continue;
    const front = read(style.color); let clear = front[3];
    for (let at = el; at; at = at.parentElement) clear *= Number(getComputedStyle(at).opacity);
    const a = light(over([...front.slice(0, 3), clear], back)), b = light(back);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), size = parseFloat(style.fontSize);
    const large = size >= 24 || (size >= 18.66 && Number(style.fontWeight) >= 700);
    looked += 1;
    if (ratio < (large ? 3 : 4.5)) faults.add(`contrast ${ratio.toFixed(2)} of ${short(el)}`);
  }
  return { faults: [...faults], looked };
}"""

WIDE = "() => {" + _NAMED + """
  const width = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth <= width + 1) return [];
  const out = [...document.body.querySelectorAll('*')].filter((el) => shown(el) &&
    el.getBoundingClientRect().right > width + 1);
  return [`${document.documentElement.scrollWidth} px wide, by ${out.slice(-2).map(short).join(' and ') || 'unknown'}`];
}"""

CONTROLS = "() => {" + _NAMED + """
  const all = [...document.querySelectorAll(
    'button, a[href], input, select, textarea, iframe, summary, [role=button], [role=tab], [tabindex="0"]')];
  const name = (el) => el.innerText?.trim() || el.getAttribute('aria-label') || el.title || el.placeholder ||
    el.labels?.[0]?.innerText?.trim() || el.getAttribute('aria-labelledby') || el.querySelector?.('img[alt]')?.alt ||
    el.querySelector?.('svg title')?.textContent;
  const groups = new Set(), wanted = [], unnamed = [];
  for (const el of all) {
    const box = el.type === 'radio' || el.type === 'checkbox' ? el.closest('label') || el : el;
    if (el.disabled || !shown(box) || el.type === 'file') continue;
    if (el.tabIndex < 0 && el.tagName !== 'IFRAME') {
      if (el.getAttribute('role') !== 'tab') continue;  // arrows move between tabs
    }
    if (el.type === 'radio') { if (groups.has(el.name)) continue; groups.add(el.name); }
    if (!name(el) && !name(box)) unnamed.push(`no name: ${short(el)}`);
    el.dataset.wanted = wanted.length; wanted.push(short(el));
  }
  return { wanted, unnamed };
}"""

FOCUSED = """() => { const el = document.activeElement;
  if (!el || el === document.body) return null;
  const group = el.type === 'radio' ? [...document.querySelectorAll('input[type=radio]')].find(
    (other) => other.name === el.name && other.dataset.wanted !== undefined) : el;
  const style = getComputedStyle(el), near = getComputedStyle(el.closest('label') || el.parentElement);
  const rings = [style, near].some((s) => (s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) > 0) ||
    s.boxShadow !== 'none');
  return { number: (group || el).dataset.wanted ?? null, frame: el.tagName === 'IFRAME', rings }; }"""


def look(url: str, chromium: str, tabs: list[str], quick: bool = False) -> dict[str, Any]:
    """Look at every tab.

    Args:
        url: of the running app.
        chromium: the browser's program.
        tabs: ids of the tabs (``?tab=id``).
        quick: only the first tab.

    Returns:
        ``page_faults`` (how many), and one list of sentences for each kind: ``console_errors``, ``too_wide``,
        ``contrast_faults``, ``keyboard_faults``; ``texts_looked_at`` and ``controls_reached`` say how much was seen.
    """
    from playwright.sync_api import sync_playwright

    found: dict[str, list[str]] = {"console_errors": [], "too_wide": [], "contrast_faults": [], "keyboard_faults": []}
    seen = {"texts_looked_at": 0, "controls_reached": 0}
    with sync_playwright() as session:
        browser = session.chromium.launch(executable_path=chromium, args=FLAGS)
        for scheme in ("light", "dark"):
            for screen, width in WIDTHS.items():
                for tab in tabs[: 1 if quick else None]:
                    where = f"{tab}, {screen}, {scheme}"
                    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
                    page.on("console", lambda line, where=where: found["console_errors"].append(
                        f"{where}: {line.text[:160]}") if line.type == "error" else None)
                    page.on("pageerror", lambda error, where=where: found["console_errors"].append(
                        f"{where}: {str(error)[:160]}"))
                    page.goto(f"{url}/?tab={tab}")
                    page.wait_for_selector("#tabs", timeout=60_000)
                    page.wait_for_timeout(1500)
                    said = page.evaluate(CONTRAST)
                    seen["texts_looked_at"] += said["looked"]
                    found["contrast_faults"] += [f"{where}: {fault}" for fault in said["faults"]]
                    found["too_wide"] += [f"{where}: {fault}" for fault in page.evaluate(WIDE)]
                    if scheme == "light":
                        reached, faults = _keyboard(page)
                        seen["controls_reached"] += reached
                        found["keyboard_faults"] += [f"{where}: {fault}" for fault in faults]
                    page.close()
        browser.close()
    return {"page_faults": sum(map(len, found.values())), **seen, **found}


def _keyboard(page: Any) -> tuple[int, list[str]]:
    """How many controls the tab key reaches, and a sentence for each that it does not, or where nobody sees it."""
    controls = page.evaluate(CONTROLS)
    left, faults, dark = set(range(len(controls["wanted"]))), list(controls["unnamed"]), set()
    for _ in range(_MOST_TABS):
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUSED)
        if at is None and len(left) < len(controls["wanted"]):
            break  # once round
        if at is None or at["number"] is None:
            continue
        number = int(at["number"])
        left.discard(number)
        if not at["rings"] and not at["frame"]:
            dark.add(number)
    faults += [f"not reached: {controls['wanted'][k]}" for k in sorted(left) if "role=tab" not in controls["wanted"][k]]
    faults += [f"no ring when focused: {controls['wanted'][k]}" for k in sorted(dark)]
    return len(controls["wanted"]) - len(left), faults
