#include "edge/api/page.h"

namespace mien::edge::api {

// Texts from outside reach the page as text nodes only; nothing is ever parsed as HTML.
std::string_view page_js() {
  return R"js("use strict";
const byId = (id) => document.getElementById(id);
const state = { items: new Map(), selected: null, filter: "", token: sessionStorage.getItem("mien-token") || "", lastId: "", dirty: false };

// ---- talking to the server ----

function headers() { return state.token ? { Authorization: "Bearer " + state.token } : {}; }

async function get(path) {
  const answer = await fetch(path, { headers: headers(), cache: "no-store" });
  if (answer.status === 401) { askForToken(); throw new Error("a token is needed"); }
  if (!answer.ok) {
    const problem = await answer.json().catch(() => ({}));
    throw new Error(problem.detail || answer.statusText);
  }
  return answer.json();
}

function askForToken() {
  if (state.token) byId("login-why").textContent = "That token was not accepted.";
  if (!byId("login").hidden) return;
  byId("login").hidden = false;
  byId("token").focus();
}

async function load() {
  const items = new Map();
  let after = "";
  do {
    const page = await get("/api/v1/drift?limit=1000" + (after ? "&after=" + encodeURIComponent(after) : ""));
    for (const item of page.items) items.set(item.instance, item);
    after = page.next;
  } while (after);
  state.items = items;
  byId("login").hidden = true;
  redraw();
  await loadActing();
}

// What is in force or waits, and who holds.
async function loadActing() {
  const [actions, holds] = await Promise.all([get("/api/v1/actions?state=open&limit=200"), get("/api/v1/holds")]);
  drawActing(actions.items, holds.items);
}

let actingLater = 0;
function reloadActing() {
  clearTimeout(actingLater);
  actingLater = setTimeout(() => loadActing().catch((failure) => console.warn(failure.message)), 200);
}

async function loadOne(name) {
  try {
    state.items.set(name, await get("/api/v1/instances/" + encodeURIComponent(name) + "/drift"));
    redraw();
  } catch (failure) { console.warn(failure.message); }
}

// Server-sent events by fetch: EventSource can not carry a token.
async function follow() {
  for (;;) {
    try {
      await load();
      const more = state.lastId ? { "Last-Event-ID": state.lastId } : {};
      const answer = await fetch("/events", { headers: { ...headers(), ...more, Accept: "text/event-stream" } });
      if (!answer.ok) throw new Error("events: " + answer.status);
      live(true);
      await readEvents(answer.body.pipeThrough(new TextDecoderStream()).getReader());
    } catch (failure) { console.warn(failure.message); }
    live(false);
    await new Promise((resolve) => setTimeout(resolve, 2000 + Math.random() * 1000));
  }
}

async function readEvents(reader) {
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    rest += value;
    const blocks = rest.split("\n\n");
    rest = blocks.pop();
    for (const block of blocks) {
      const event = { id: "", event: "", data: "" };
      for (const line of block.split("\n")) {
        const colon = line.indexOf(": ");
        if (colon > 0) event[line.slice(0, colon)] = line.slice(colon + 2);
      }
      if (event.id) state.lastId = event.id;
      if (event.data) hear(event.event, JSON.parse(event.data));
    }
  }
}

function hear(type, event) {
  const data = event.data || {};
  if (type === "drift" && state.items.has(data.instance)) {
    Object.assign(state.items.get(data.instance), data, { last_seen: data.at });
    return redraw();
  }
  if (type.startsWith("finding.") && data.instance) {
    if (type === "finding.opened") byId("announce").textContent = "New finding on " + data.instance + ": " + (data.summary || data.kind);
    return loadOne(data.instance);
  }
  if (event.subject && event.subject.startsWith("Instance/")) return loadOne(event.subject.slice(9));
  if (type.startsWith("action.")) {
    if (type === "action.proposed") byId("announce").textContent = "An action waits for a person: " + (data.summary || data.id);
    return reloadActing();
  }
  if (type === "gap") load().catch((failure) => console.warn(failure.message));
}

function live(on) {
  byId("live").textContent = on ? "live" : "reconnecting";
  byId("live").classList.toggle("on", on);
}

// ---- drawing ----

function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key in made && key !== "list") made[key] = value; else made.setAttribute(key, value);
  }
  made.append(...children.filter((child) => child !== null));
  return made;
}

function drawing(tag, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}

function text(value, digits = 4) {
  if (value === null || value === undefined) return "-";
  const size = Math.abs(value);
  if (size >= 1e5 || (size > 0 && size < 1e-3)) return value.toExponential(2);
  return String(Number(value.toPrecision(digits)));
}

function seriesName(metric) {
  const attributes = Object.entries(metric.attributes || {}).map(([key, value]) => key + "=" + value).join(",");
  return attributes ? metric.name + "{" + attributes + "}" : metric.name;
}

function heat(item) {
  if (item.findings.some((finding) => ["high", "critical"].includes(finding.severity))) return "hot";
  if (item.findings.length || (item.alarm_level > 0 && item.score > item.alarm_level)) return "warm";
  return "calm";
}

function bar(item) {
  const width = 90;
  const score = Math.min(1, Math.max(0, item.score || 0));
  const level = Math.min(1, Math.max(0, item.alarm_level || 0));
  return drawing("svg", { class: "bar", width, height: 10, "aria-hidden": "true" },
    drawing("rect", { class: "ground", width, height: 10, rx: 2 }),
    drawing("rect", { class: heat(item), width: (score * width).toFixed(1), height: 10, rx: 2 }),
    drawing("rect", { class: "level", x: (level * width - 1).toFixed(1), width: level > 0 ? 2 : 0, height: 10 }));
}

function reasonOf(metric) {
  const side = metric.direction === "up" ? "above" : metric.direction === "down" ? "below" : "off";
  return text(metric.observed) + ", expected " + text(metric.expected) + " (" + text(metric.low) + " to " + text(metric.high) + "): " + side;
}

function rowOf(item) {
  const worst = (item.metrics || [])[0];
  const reasons = item.findings.length ? item.findings.map((finding) => finding.summary || finding.kind).join("; ")
    : worst && worst.bits > 4 ? reasonOf(worst) : (item.conditions || []).join("; ");
  const name = element("button", { className: "name", type: "button" }, item.instance);
  const row = element("tr", {},
    element("td", {}, name, element("div", { className: "type" }, item.type + (item.parent ? " on " + item.parent : ""))),
    element("td", { className: "number " + heat(item) }, bar(item), (item.score || 0).toFixed(3)),
    element("td", {}, item.state),
    element("td", {}, item.persona || "-"),
    element("td", {}, worst ? seriesName(worst) : "-"),
    element("td", { className: "reasons" }, reasons || "-"),
    element("td", { className: "number" }, String(item.findings.length)));
  row.setAttribute("aria-current", String(item.instance === state.selected));
  row.addEventListener("click", () => select(item.instance));
  row.dataset.name = item.instance;
  return row;
}

// Hosts first; then those with findings, then by score.
function ordered() {
  const wanted = state.filter.toLowerCase();
  const shown = [...state.items.values()].filter((item) => !wanted ||
    [item.instance, item.persona, item.type, item.state].some((word) => (word || "").toLowerCase().includes(wanted)));
  const rank = (item) => (item.type === "host" || item.type === "guest" ? 0 : 1);
  return shown.sort((a, b) => rank(a) - rank(b) || (b.findings.length > 0) - (a.findings.length > 0) || b.score - a.score ||
    a.instance.localeCompare(b.instance));
}

function redraw() {
  if (state.dirty) return;
  state.dirty = true;
  requestAnimationFrame(() => {
    state.dirty = false;
    const items = ordered();
    const body = document.querySelector("#instances tbody");
    const focused = document.activeElement && document.activeElement.closest("#instances tr");
    const keep = focused ? focused.dataset.name : null;
    body.replaceChildren(...items.slice(0, 500).map(rowOf));
    if (keep) for (const row of body.rows) if (row.dataset.name === keep) row.querySelector("button").focus();
    byId("empty").hidden = items.length > 0;
    const open = [...state.items.values()].reduce((sum, item) => sum + item.findings.length, 0);
    const line = state.items.size + " instances, " + open + (open === 1 ? " open finding" : " open findings");
    if (byId("summary").textContent !== line) byId("summary").textContent = line;
    if (state.selected && state.items.has(state.selected)) drawDetails(state.items.get(state.selected));
  });
}

function select(name) {
  state.selected = name;
  byId("details").hidden = false;
  byId("details-body").replaceChildren();
  drawDetails(state.items.get(name));
  redraw();
  byId("details-title").focus();
  drawChart(name);
}

function table(head, rows) {
  return element("table", {}, element("thead", {}, element("tr", {}, ...head.map((title) => element("th", { scope: "col" }, title)))),
    element("tbody", {}, ...rows.map((cells) => element("tr", {}, ...cells.map((cell) => element("td", {}, cell))))));
}

function part(id, title, ...children) {
  const body = byId("details-body");
  const fresh = element("div", { id }, title ? element("h3", {}, title) : null, ...children);
  const old = byId(id);
  if (old) old.replaceWith(fresh); else body.append(fresh);
}

function drawActing(actions, holds) {
  const banner = holds.map((hold) => (hold.learning ? "Learning is held: " : "Automatic action is held: ") + hold.scope +
    (hold.until ? " until " + hold.until : "") + ", by " + hold.actor).join(". ");
  if (byId("holds").textContent !== banner) byId("holds").textContent = banner;
  byId("holds").hidden = holds.length === 0;
  byId("acting").hidden = actions.length === 0;
  const rows = actions.map((action) => [action.id, action.state, action.summary || action.verb + " " + action.target, action.policy,
    action.state === "proposed" ? "approve by " + (action.approve_by || "-") : action.expires_at || "-",
    action.effect.verdict === "pending" ? "-" : action.effect.verdict.replace("_", " ") + ": " + text(action.effect.before, 3) + " to " + text(action.effect.after, 3)]);
  document.querySelector("#acting .scroll").replaceChildren(table(["Action", "State", "What", "Policy", "Until", "Effect"], rows));
}

function drawDetails(item) {
  byId("details-title").textContent = item.instance;
  const facts = [
    ["Persona", (item.persona || "-") + (item.persona_reason ? ": " + item.persona_reason : "")],
    ["State", item.state],
    ["Score", text(item.score) + "; an episode opens above " + text(item.alarm_level)],
    ["Revision", item.revision ? String(item.revision) : "none yet"],
    ["Last sample", item.last_seen || "-"],
    ["Samples", String(item.samples)],
    ...(item.conditions || []).map((condition) => ["Condition", condition])];
  const terms = facts.flatMap(([key, value]) => [element("dt", {}, key), element("dd", {}, value)]);
  part("facts", "", element("dl", {}, ...terms));
  const findings = item.findings.map((finding) =>
    [finding.id, finding.kind, finding.severity, finding.opened_at, finding.first_mover || "-", finding.summary]);
  part("findings", "Findings", findings.length
    ? table(["Finding", "Kind", "Severity", "Since", "First mover", "Summary"], findings)
    : element("p", {}, "None is open."));
  const metrics = (item.metrics || []).map((metric) =>
    [seriesName(metric), text(metric.observed), text(metric.expected), text(metric.low) + " to " + text(metric.high), text(metric.bits, 3)]);
  part("metrics", "Metrics, most surprised first", table(["Metric", "Observed", "Expected", "Band", "Surprise (bits)"], metrics));
}

async function drawChart(name) {
  const item = state.items.get(name);
  const worst = item && (item.metrics || [])[0];
  if (!worst) return;
  let answer;
  try {
    answer = await get("/api/v1/instances/" + encodeURIComponent(name) + "/series?from=-15m&metric=" + encodeURIComponent(worst.name));
  } catch (failure) { return part("chart", "Last 15 minutes", element("p", {}, failure.message)); }
  const same = (attributes) => JSON.stringify(attributes) === JSON.stringify(worst.attributes);
  const series = answer.series.find((one) => same(one.attributes));
  if (state.selected !== name || !series || series.at.length < 2) return;
  const band = series.expected || {};
  const values = series.mean.filter((value) => value !== null).concat([band.low, band.high].filter((value) => Number.isFinite(value)));
  const low = Math.min(...values), high = Math.max(...values), span = high - low || 1;
  const first = series.at[0], wide = series.at[series.at.length - 1] - first || 1;
  const x = (at) => ((at - first) / wide * 1000).toFixed(1);
  const y = (value) => (135 - (value - low) / span * 130).toFixed(1);
  const points = series.at.map((at, i) => (series.mean[i] === null ? null : x(at) + "," + y(series.mean[i]))).filter(Boolean).join(" ");
  const chart = drawing("svg", { class: "chart", viewBox: "0 0 1000 140", preserveAspectRatio: "none", role: "img",
    "aria-label": seriesName(worst) + " from " + text(low) + " to " + text(high) + " in the last 15 minutes" });
  if (Number.isFinite(band.low) && Number.isFinite(band.high)) {
    chart.append(drawing("rect", { class: "band", x: 0, width: 1000, y: y(band.high), height: Math.max(1, y(band.low) - y(band.high)) }));
  }
  chart.append(drawing("polyline", { class: "line", points }));
  const range = text(low) + " to " + text(high) + (series.unit ? " " + series.unit : "");
  part("chart", seriesName(worst) + ", last 15 minutes: " + range, chart);
}

// ---- starting ----

byId("filter").addEventListener("input", (event) => { state.filter = event.target.value; redraw(); });
byId("close").addEventListener("click", () => { state.selected = null; byId("details").hidden = true; redraw(); });
document.addEventListener("keydown", (event) => { if (event.key === "Escape" && state.selected) byId("close").click(); });
byId("login").addEventListener("submit", (event) => {
  event.preventDefault();
  state.token = byId("token").value.trim();
  sessionStorage.setItem("mien-token", state.token);
  load().catch((failure) => console.warn(failure.message));
});
setInterval(() => load().catch(() => {}), 15000);
follow();
)js";
}

}  // namespace mien::edge::api
