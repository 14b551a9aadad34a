// Our own verifying script, outside a browser: WebCrypto is Node's too. In: JSON on stdin; out: JSON.
import { readFileSync } from "node:fs";

const asked = JSON.parse(readFileSync(0, "utf8"));
(0, eval)(readFileSync(asked.script, "utf8"));
const found = [];
for (const one of asked.presentations) {
  try {
    const { pinned, lists, now, audience, nonce } = { ...asked, ...one };
    found.push({ claims: (await credentialCheck.check(one.text ?? one, { pinned, lists, now, audience, nonce })) });
  } catch (error) {
    if (!(error instanceof credentialCheck.Refused)) throw error;
    found.push({ refused: error.reason });
  }
}
console.log(JSON.stringify(found));
