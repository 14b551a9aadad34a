// The counter by keys: a card reader's burst ends in Enter, 1 or 2 is the item, Enter sells. Without this script the
// same form sells by plain posting. Another script may sell while the network is away: it listens to
// "counter:unreachable" on the form (detail: {sale, settle(outcome)}) and calls preventDefault().
"use strict";
(() => {
  const form = document.getElementById("counter-form");
  const answer = document.getElementById("counter-answer");
  const step = document.getElementById("counter-step");
  if (!form || !answer || !step) return;
  const at = (name) => form.elements.namedItem(name);
  const items = [...form.querySelectorAll("input[name=item]")];
  const more = document.getElementById("counter-more");
  const lang = form.dataset.lang;
  const waiting = []; // sales whose answer has not come: sent again under their own counters
  let next = Number(at("counter").value);
  let sold = 0;
  let sending = false;

  const show = (kind, text) => {
    answer.className = `counter-answer is-${kind}`;
    const said = document.createElement("p");
    said.className = "counter-said";
    said.textContent = text;
    answer.replaceChildren(said);
  };
  const guide = (key) => {
    const count = sold ? ` ${step.dataset.count.replace("#", String(sold))}` : "";
    step.textContent = step.dataset[key] + count;
  };
  const chosen = () => items.find((one) => one.checked) ?? items[0];
  const restart = () => {
    for (const name of ["card", "proxy", "plate", "plate_code", "born"]) at(name).value = "";
    at("paper").value = "card";
    more.open = false;
    at("card").focus();
    guide("card");
  };
  const headers = () => {
    const token = form.querySelector("input[name=csrf_token]")?.value;
    return { "content-type": "application/json", accept: "application/json", ...(token ? { "x-csrf-token": token } : {}) };
  };

  const told = (sale, outcome) => {
    if (outcome.result === "sold") sold += 1;
    const left = form.querySelector(`[data-left="${CSS.escape(sale.item)}"]`);
    if (left && Number.isInteger(outcome.left)) left.textContent = String(outcome.left);
    show(outcome.result, outcome.says[lang]);
    guide("card");
  };
  const unreachable = (sale) => {
    const settle = (outcome) => { waiting.splice(waiting.indexOf(sale), 1); told(sale, outcome); };
    const asked = new CustomEvent("counter:unreachable", { cancelable: true, bubbles: true, detail: { sale, settle } });
    if (form.dispatchEvent(asked)) show("unreachable", `${answer.dataset.unreachable}（${waiting.length}） ${answer.dataset.again}`);
  };
  const send = async () => {
    if (sending) return;
    sending = true;
    while (waiting.length) {
      const sale = waiting[0];
      let reply = null;
      try {
        reply = await fetch(form.dataset.api, { method: "POST", headers: headers(), body: JSON.stringify(sale) });
      } catch {
        reply = null;
      }
      if (!reply || reply.status >= 502) {
        unreachable(sale);
        break;
      }
      waiting.shift();
      const said = await reply.json().catch(() => ({}));
      if (reply.ok) told(sale, said);
      else show("problem", [said.title, said.detail].filter(Boolean).join(" ") || answer.dataset.unreachable);
    }
    sending = false;
  };
  const sell = () => {
    const card = at("card").value.trim();
    if (!card) {
      if (waiting.length) send();
      else restart();
      return;
    }
    const sale = { outlet: at("outlet").value, item: chosen().value, card, terminal: at("terminal").value, counter: next };
    for (const name of ["proxy", "born", "plate_code"]) if (at(name).value.trim()) sale[name] = at(name).value.trim();
    if (at("paper").value !== "card") sale.paper = at("paper").value;
    const plate = Number(at("plate").value);
    if (plate > 0) sale.plate = plate;
    next += 1;
    at("counter").value = String(next);
    waiting.push(sale);
    show("working", answer.dataset.working);
    restart();
    send();
  };

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const here = document.activeElement;
    if (here === at("card") && at("card").value.trim()) {
      chosen().focus();
      guide("item");
    } else if (here === at("proxy") && at("proxy").value.trim()) {
      chosen().focus();
    } else {
      sell();
    }
  });
  const call = async () => {
    const reply = await fetch(form.dataset.queue, {
      method: "POST", headers: headers(), body: JSON.stringify({ outlet: at("outlet").value }),
    }).catch(() => null);
    if (!reply?.ok) return;
    const queue = await reply.json();
    document.querySelector("[data-serving]").textContent = String(queue.serving || "–");
    document.querySelector("[data-waits]").textContent = String(queue.waiting);
  };
  document.getElementById("counter-call")?.addEventListener("submit", (event) => {
    event.preventDefault();
    call();
    at("card").focus();
  });

  document.addEventListener("keydown", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.isComposing) return;
    if (event.key === "Escape") {
      event.preventDefault();
      restart();
      return;
    }
    const here = document.activeElement;
    const isTyping = here?.matches("input:not([type=radio]), textarea, select");
    if (isTyping) return;
    const place = Number(event.key);
    if (event.key === "0") {
      event.preventDefault();
      more.open = true;
      at("proxy").focus();
    } else if (event.key.length === 1 && place >= 1 && place <= items.length) {
      event.preventDefault();
      items[place - 1].checked = true;
      items[place - 1].focus();
    } else if (event.key === "n" || event.key === "N") {
      event.preventDefault();
      call();
    }
  });
  window.addEventListener("online", send);
  guide("card");
})();
