"use strict";
// The list of bullets: search, filter, sort, pages of 50. Text reaches the page by textContent alone.
(() => {
  const PAGE = 50;
  const KINDS = { helpful: "strategy", harmful: "pitfall", neutral: "observation" };
  const [ID, CONTENT, DOMAIN, SECTION, STAGE, ACTIVE, CONFIDENCE, HELPFUL, HARMFUL, NEUTRAL, SOURCES, CREATED, UPDATED, EXTRA] =
    Array(14).keys();
  const { bullets, history } = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const controls = ["search", "section", "domain", "stage", "sort"].map(byId);
  const [search, section, domain, stage, sort] = controls;
  const texts = bullets.map((b) => `${b[ID]}\n${b[DOMAIN]}\n${b[CONTENT]}`.toLowerCase());
  const ORDERS = {
    best: (a, b) => b[CONFIDENCE] - a[CONFIDENCE] || b[ACTIVE] - a[ACTIVE] || b[HELPFUL] - a[HELPFUL],
    active: (a, b) => b[ACTIVE] - a[ACTIVE],
    helpful: (a, b) => b[HELPFUL] - a[HELPFUL],
    harmful: (a, b) => b[HARMFUL] - a[HARMFUL],
    newest: (a, b) => (a[CREATED] < b[CREATED] ? 1 : a[CREATED] > b[CREATED] ? -1 : 0),
    longest: (a, b) => b[CONTENT].length - a[CONTENT].length,
  };
  let found = [];
  let page = 0;

  function make(tag, className, text) {
    const element = document.createElement(tag);
    if (className) element.className = className;
    if (text !== undefined) element.textContent = text;
    return element;
  }

  function words() {
    return search.value.toLowerCase().split(/\s+/).filter(Boolean);
  }

  function update() {
    const wanted = words();
    found = [];
    bullets.forEach((b, index) => {
      if (section.value && b[SECTION] !== section.value) return;
      if (domain.value && b[DOMAIN] !== domain.value.slice(1)) return;
      if (stage.value && b[STAGE] !== stage.value) return;
      if (wanted.every((word) => texts[index].includes(word))) found.push(b);
    });
    if (sort.value) found.sort(ORDERS[sort.value]);
    page = 0;
    show();
  }

  function show() {
    const pages = Math.max(1, Math.ceil(found.length / PAGE));
    const shown = found.slice(page * PAGE, (page + 1) * PAGE);
    const wanted = words();
    byId("list").replaceChildren(...shown.map((b) => card(b, wanted)));
    const all = bullets.length.toLocaleString("en");
    byId("count").textContent = !bullets.length
      ? "This playbook has no bullets."
      : found.length === bullets.length
        ? `${all} bullets`
        : found.length
          ? `${found.length.toLocaleString("en")} of ${all} bullets`
          : `No bullet matches; there are ${all}.`;
    byId("pager").hidden = pages === 1;
    byId("place").textContent = `${page + 1} of ${pages}`;
    byId("previous").disabled = page === 0;
    byId("next").disabled = page === pages - 1;
  }

  function turn(step) {
    page += step;
    show();
    byId("bullets").scrollIntoView();
    document.querySelector("#list summary")?.focus({ preventScroll: true });
  }

  function card(b, wanted) {
    const box = make("details", `bullet ${b[SECTION]} ${b[STAGE]}`);
    const summary = make("summary");
    const content = make("div", "content");
    highlight(content, b[CONTENT], wanted);
    summary.append(make("span", "id", b[ID]), content, facts(b));
    box.append(summary);
    box.addEventListener("toggle", () => {
      if (box.open && box.children.length === 1) box.append(detail(b));
    });
    return box;
  }

  function facts(b) {
    const box = make("span", "facts");
    if (b[DOMAIN] !== "general") box.append(make("span", "domain", b[DOMAIN]));
    if (b[STAGE] === "quarantined") {
      const tag = make("span", "tag", "quarantined");
      tag.title = `${note(b)?.reason || "did more harm than good"}: kept out of prompts`;
      box.append(tag);
    }
    const against = contradicts(b);
    if (against) box.append(make("span", "tag", `contradicts ${against}`));
    box.append(make("span", "tag", KINDS[b[SECTION]]));
    const votes = make("span", "", `+${b[HELPFUL]} −${b[HARMFUL]}`);
    votes.title = `${b[HELPFUL]} helpful and ${b[HARMFUL]} harmful votes`;
    const meter = make("span", "meter");
    meter.title = `confidence ${b[CONFIDENCE].toFixed(2)}`;
    meter.setAttribute("role", "img");
    meter.setAttribute("aria-label", meter.title);
    meter.append(make("i"));
    meter.firstChild.style.width = `${b[CONFIDENCE] * 100}%`;
    box.append(votes, meter);
    return box;
  }

  function detail(b) {
    const box = make("div", "detail");
    const list = make("dl");
    const rows = [
      ["Confidence", b[CONFIDENCE].toFixed(4)],
      ["Votes", `${b[HELPFUL]} helpful, ${b[HARMFUL]} harmful, ${b[NEUTRAL]} neutral`],
      ["Activations", String(b[ACTIVE])],
      ["Domain", b[DOMAIN]],
      ["Stage", b[STAGE]],
      ["Contradicts", contradicts(b)],
      ["Set aside", note(b)?.reason],
      ["Taught by", b[SOURCES].join(", ")],
      ["Created", b[CREATED]],
      ["Updated", b[UPDATED]],
      ...Object.entries(b[EXTRA] || {}).filter(([name]) => !["contradicts", "set_aside"].includes(name)).map(([name, value]) => [
        name,
        typeof value === "string" ? value : JSON.stringify(value),
      ]),
    ];
    for (const [label, value] of rows) if (value) list.append(make("dt", "", label), make("dd", "", value));
    box.append(list);
    const moments = Object.hasOwn(history, b[ID]) ? history[b[ID]] : [];
    if (moments.length) box.append(make("h4", "", "History"), timeline(moments));
    return box;
  }

  function contradicts(b) {
    const ids = b[EXTRA]?.contradicts;
    return Array.isArray(ids) ? ids.join(", ") : "";
  }

  function note(b) {
    const found = b[STAGE] === "quarantined" ? b[EXTRA]?.set_aside : null;
    return found && typeof found.reason === "string" ? found : null;
  }

  function timeline(moments) {
    const list = make("ol");
    const VERBS = { taught: "Added", merged: "Confirmed" };
    const TOLD = { joined: "Took over the evidence of", contradicts: "Contradicts", "set aside": "Set aside:", "taken back": "Taken back:" };
    for (const [batch, kind, example, text, similarity] of moments) {
      const item = make("li");
      const near = similarity === null ? "" : ` (similarity ${similarity.toFixed(2)})`;
      if (TOLD[kind]) {
        item.append(make("b", "", TOLD[kind]), ` ${text}, batch ${batch + 1}`);
        list.append(item);
        continue;
      }
      item.append(make("b", "", VERBS[kind] || `Voted ${text}`), ` by example ${example}, batch ${batch + 1}${near}`);
      if (kind === "merged") item.append(make("br"), make("q", "", text));
      list.append(item);
    }
    return list;
  }

  function highlight(element, text, wanted) {
    const lower = text.toLowerCase();
    if (!wanted.length || lower.length !== text.length) {
      element.textContent = text;
      return;
    }
    let at = 0;
    while (at < text.length) {
      let next = -1;
      let size = 0;
      for (const word of wanted) {
        const hit = lower.indexOf(word, at);
        if (hit >= 0 && (next < 0 || hit < next || (hit === next && word.length > size))) [next, size] = [hit, word.length];
      }
      if (next < 0) break;
      element.append(text.slice(at, next), make("mark", "", text.slice(next, next + size)));
      at = next + size;
    }
    element.append(text.slice(at));
  }

  for (const name of [...new Set(bullets.map((b) => b[DOMAIN]))].sort()) {
    const option = make("option", "", name);
    option.value = `=${name}`; // a domain may be called ""
    domain.append(option);
  }
  let waiting = 0;
  search.addEventListener("input", () => {
    clearTimeout(waiting);
    if (bullets.length <= 5000) update();
    else waiting = setTimeout(update, 120); // let a word be typed before a long list is searched
  });
  for (const control of controls.slice(1)) control.addEventListener("change", update);
  document.querySelector(".tools").addEventListener("submit", (event) => event.preventDefault());
  byId("previous").addEventListener("click", () => turn(-1));
  byId("next").addEventListener("click", () => turn(1));
  document.addEventListener("keydown", (event) => {
    if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(event.target.tagName) && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      search.focus();
    } else if (event.key === "Escape" && event.target === search && search.value) {
      search.value = "";
      update();
    }
  });
  update();
})();
