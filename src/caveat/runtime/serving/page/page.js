// The chat page. What a model or a licence says goes in as text, never as HTML; nobody but this server is asked.
"use strict";

const $ = (id) => document.getElementById(id);
const MOST_TURNS = 400;
let models = [];
let turns = [];
let running = null;

function made(tag, kind, text) {
  const node = document.createElement(tag);
  if (kind) node.className = kind;
  if (text !== undefined) node.textContent = text;
  return node;
}

// -- the side ---------------------------------------------------------------------------------------------------
function row(told) {
  const item = made("li", told.verdict);
  const what = made("p", "what");
  what.append(made("span", "label", told.label), made("span", "verdict", `${told.sign} ${told.verdict}`));
  item.append(what);
  if (told.verdict !== "permitted") item.append(made("p", "means", told.means));
  if (told.why.length) {
    const why = made("ul", "why");
    for (const w of told.why) {
      const line = made("li", "", `${w.says} `);
      line.append(made("span", "at", w.at));
      why.append(line);
    }
    item.append(why);
  }
  if (told.more) item.append(made("p", "means", `and ${told.more} more`));
  return item;
}

function list(id, texts) {
  $(id).replaceChildren(...texts.map((t) => made("li", "", t)));
}

function show(model) {
  const terms = model.terms.length ? model.terms.join(" + ") : "no terms are known";
  $("terms").textContent = `${model.name}: ${terms}${model.terms_on ? `, as of ${model.terms_on}` : ""}.`;
  $("answers").replaceChildren(...model.answers.map(row));
  $("acts").replaceChildren(...model.model.map(row));
  $("modelbox").hidden = !model.model.length;
  list("always", model.always);
  $("alwaysbox").hidden = !model.always.length;
  list("odd", model.problems);
  $("odd").hidden = !model.problems.length;
  $("purl").textContent = model.purl;
  $("told").textContent = model.told_by || "nothing but its name";
  $("other").textContent = model.tested_with;
  $("note").textContent = model.note;
  $("brief").textContent = `Answers: ${model.answers.map((a) => `${a.short} ${a.sign} ${a.verdict}`).join(" · ")}`;
  $("brief").hidden = false;
}

function chosen() {
  return models.find((m) => m.id === $("model").value);
}

async function begin() {
  try {
    const answer = await fetch("/caveat/models", { credentials: "omit" });
    if (!answer.ok) throw new Error(`the server says ${answer.status}`);
    const told = await answer.json();
    models = told.models;
    $("place").textContent = told.place;
    if (!models.length) throw new Error(told.fault || "there are none");
  } catch (fault) {
    tell(`The models could not be listed: ${fault.message}`);
    return;
  }
  $("model").replaceChildren(...models.map((m) => new Option(m.id, m.id)));
  show(chosen());
}

// -- the talk ---------------------------------------------------------------------------------------------------
function tell(words) {
  $("fault").textContent = words;
  $("fault").hidden = !words;
}

function bubble(kind, who, text) {
  const turn = made("article", `turn ${kind}`);
  turn.append(made("p", "who", who), made("p", "text", text));
  $("hello").hidden = true;
  $("talk").append(turn);
  $("talk").scrollTop = $("talk").scrollHeight;
  return turn;
}

function write(turn, piece) {
  const talk = $("talk");
  const low = talk.scrollHeight - talk.scrollTop - talk.clientHeight < 60;
  turn.querySelector(".text").append(piece);
  if (low) talk.scrollTop = talk.scrollHeight;
}

async function* pieces(answer) {
  const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      if (!line.startsWith("data:")) continue;
      const data = line.slice(5).trim();
      if (data === "[DONE]") return;
      yield JSON.parse(data);
    }
  }
}

async function why(answer) {
  try {
    return (await answer.json()).error.message;
  } catch {
    return `the server says ${answer.status}`;
  }
}

async function answered(turn, model, signal) {
  const answer = await fetch("/v1/chat/completions", {
    method: "POST", credentials: "omit", signal, headers: { "content-type": "application/json" },
    body: JSON.stringify({ model, messages: turns.slice(-MOST_TURNS), stream: true }),
  });
  if (!answer.ok) throw new Error(await why(answer));
  let text = "";
  let end = "";
  try {
    for await (const event of pieces(answer)) {
      if (event.error) throw new Error(event.error.message);
      const choice = (event.choices || [])[0] || {};
      const piece = (choice.delta || {}).content || "";
      if (piece) write(turn, piece);
      text += piece;
      end = choice.finish_reason || end;
    }
    if (!end) throw new Error("the answer broke off");
    if (end === "length") note(turn, "It stopped because there was no more room.");
  } finally {
    if (text) turns.push({ role: "assistant", content: text });
  }
  return text;
}

function note(turn, words) {
  turn.append(made("p", "end", words));
}

function busy(on) {
  $("send").hidden = on;
  $("stop").hidden = !on;
  $("model").disabled = on;
}

async function ask(words) {
  const model = chosen();
  turns.push({ role: "user", content: words });
  bubble("you", "You", words);
  const turn = bubble("it writing", model.id, "");
  running = new AbortController();
  busy(true);
  $("said").textContent = "The model is writing.";
  try {
    $("said").textContent = `${model.id} says: ${await answered(turn, model.id, running.signal)}`;
  } catch (fault) {
    const stopped = fault.name === "AbortError";
    note(turn, stopped ? "You stopped it here." : `It failed: ${fault.message}`);
    $("said").textContent = stopped ? "Stopped." : `It failed: ${fault.message}`;
    if (!stopped) tell(`No answer: ${fault.message}`);
    if (turns.at(-1).role === "user") turns.pop();
  } finally {
    turn.classList.remove("writing");
    running = null;
    const here = document.activeElement === $("stop");
    busy(false);
    if (here || document.activeElement === document.body) $("words").focus({ preventScroll: true });
  }
}

// -- keys and buttons -------------------------------------------------------------------------------------------
function grow() {
  $("words").style.height = "auto";
  $("words").style.height = `${$("words").scrollHeight + 2}px`;
}

$("words").addEventListener("input", grow);
$("words").addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    $("ask").requestSubmit();
  }
});
$("ask").addEventListener("submit", (event) => {
  event.preventDefault();
  const words = $("words").value.trim();
  if (!words || running || !chosen()) return;
  tell("");
  $("words").value = "";
  grow();
  ask(words);
});
$("stop").addEventListener("click", () => running && running.abort());
document.addEventListener("keydown", (event) => event.key === "Escape" && running && running.abort());
$("model").addEventListener("change", () => show(chosen()));
$("fresh").addEventListener("click", () => {
  if (running) running.abort();
  turns = [];
  for (const turn of document.querySelectorAll(".turn")) turn.remove();
  $("hello").hidden = false;
  tell("");
  $("words").focus();
});
begin();
