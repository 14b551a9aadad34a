// Passkeys by the browser's own interface (WebAuthn Level 3): the form carries the options in, the credential out.
"use strict";

const forms = document.querySelectorAll("form[data-passkey]");
const able =
  window.PublicKeyCredential &&
  PublicKeyCredential.parseRequestOptionsFromJSON &&
  PublicKeyCredential.parseCreationOptionsFromJSON;

async function credentialOf(form) {
  const options = JSON.parse(form.dataset.options);
  if (form.dataset.passkey === "create") {
    return navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) });
  }
  return navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
}

for (const form of able ? forms : []) {
  const button = form.querySelector("button[type=submit]");
  button.hidden = false;
  form.querySelector("[data-passkey-none]").hidden = true;
  form.addEventListener("submit", async (event) => {
    if (form.elements.credential.value) return;
    event.preventDefault();
    button.disabled = true;
    try {
      form.elements.credential.value = JSON.stringify((await credentialOf(form)).toJSON());
      form.submit();
    } catch {
      button.disabled = false; // the person closed the dialogue; they may press again
    }
  });
}
