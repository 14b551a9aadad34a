// A record system's page: asks its own server for a signed token, calls the decision service of another origin by CDS
// Hooks 2.0.1, shows the cards as text, and sends feedback.
const app = document.querySelector("main");
const { cds, words } = JSON.parse(document.querySelector("#settings").textContent);
const place = document.querySelector("#cards");

async function post(url, body) {
  const signed = await fetch("/token", { method: "POST", body: url });
  const answer = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json", Authorization: `Bearer ${await signed.text()}` },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: await answer.json() };
}

function made(name, text, parent, className) {
  const one = document.createElement(name);
  one.textContent = text;
  if (className) one.className = className;
  parent.append(one);
  return one;
}

function link(one, parent) {
  const made_ = made("a", one.label, made("p", "", parent));
  if (/^https?:\/\//.test(one.url)) made_.href = one.url;
}

function overridden(card, reason) {
  return {
    feedback: [{
      card: card.uuid, outcome: "overridden", outcomeTimestamp: new Date().toISOString(), overrideReason: { reason },
    }],
  };
}

function show(card) {
  const box = made("article", "", place, `card ${card.indicator}`);
  made("h3", `${words[card.indicator]}: ${card.summary}`, box);
  made("p", card.detail ?? "", box);
  made("p", card.source.label, box, "source");
  for (const one of card.links ?? []) link(one, box);
  if (!card.overrideReasons) return;
  const why = made("p", `${words.dismiss} `, box);
  for (const reason of card.overrideReasons) {
    const button = made("button", reason.display, why);
    button.type = "button";
    button.addEventListener("click", async () => {
      const told = await post(`${cds}/travel-flag/feedback`, overridden(card, {
        code: reason.code, system: reason.system, display: reason.display,
      }));
      why.textContent = told.status === 200 ? words.thanks : words.failed;
    });
  }
}

async function open(id) {
  const patient = await (await fetch(`/Patient/${id}`)).json();
  const { status, body } = await post(`${cds}/travel-flag`, {
    hook: "patient-view", hookInstance: crypto.randomUUID(), context: { userId: "Practitioner/shen", patientId: id },
    prefetch: { patient },
  });
  place.replaceChildren();
  made("h2", `${words.cards}: ${document.querySelector(`[data-id="${id}"]`).dataset.name}`, place);
  if (status !== 200) made("p", `${words.failed} (${status}): ${body.title ?? ""}`, place, "card critical");
  else if (!body.cards.length) made("p", words.none, place, "card");
  else body.cards.forEach(show);
}

app.addEventListener("click", (event) => {
  const id = event.target.dataset?.id;
  if (id) open(id).catch((error) => { place.textContent = `${words.failed}: ${error.message}`; });
});
