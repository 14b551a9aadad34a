// Our own script that checks receipts, outside a browser: WebCrypto is Node's too. In: JSON on stdin; out: JSON.
import { readFileSync } from "node:fs";

const asked = JSON.parse(readFileSync(0, "utf8"));
(0, eval)(readFileSync(asked.script, "utf8"));
const found = [];
for (const one of asked.receipts) {
  try {
    found.push({ told: await receiptCheck.check(Uint8Array.from(Buffer.from(one.receipt, "base64")), one.asked) });
  } catch (error) {
    if (!(error instanceof receiptCheck.Refused)) throw error;
    found.push({ refused: error.reason });
  }
}
console.log(JSON.stringify(found));
