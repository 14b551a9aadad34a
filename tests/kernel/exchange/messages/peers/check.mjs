// The signatures in a message receipt, checked by two libraries of npm. Nothing of Banyan is used: a receipt is base64
// of JSON behind "extra", and a record in it holds both messages as their header lines.
//
//   node check.mjs <INPUT     INPUT: {"records": [base64 of a record's JSON...], "keys": {"keyid": "PEM"}}
//
// Prints one line of JSON: for each record {"http-message-signatures": [request, answer], "http-message-sig": [...]}.
import { createPublicKey, verify as verifyWith } from "node:crypto";
import { readFileSync } from "node:fs";
import { verifySignature } from "http-message-sig";
import signatures from "http-message-signatures";

const YEARS = 20 * 365 * 86400;
const { records, keys } = JSON.parse(readFileSync(0, "utf8"));

function pairs(head) {
  return head.fields.split("\r\n").map((line) => {
    const at = line.indexOf(": ");
    return [line.slice(0, at), line.slice(at + 2)];
  });
}

function algorithmOf(pem) {
  return createPublicKey(pem).asymmetricKeyType === "ed25519" ? "ed25519" : "ecdsa-p256-sha256";
}

async function tried(work) {
  try {
    return Boolean(await work());
  } catch (error) {
    return false;
  }
}

// http-message-signatures: messages as objects with headers.
function older(record) {
  const [method, target] = record.request.line.split("\r\n");
  const request = { method, url: `https://${record.request.authority}${target}`, headers: {} };
  for (const [name, value] of pairs(record.request)) request.headers[name] = value;
  const answer = { status: Number(record.answer.line.split("\r\n")[0]), headers: {} };
  for (const [name, value] of pairs(record.answer)) answer.headers[name] = value;
  const config = {
    tolerance: YEARS,
    requiredParams: ["created", "expires", "keyid", "alg", "tag"],
    keyLookup: async ({ keyid }) => {
      const pem = keys[keyid];
      if (!pem) return null;
      return { id: keyid, algs: [algorithmOf(pem)], verify: signatures.createVerifier(pem, algorithmOf(pem)) };
    },
  };
  const { verifyMessage } = signatures.httpbis;
  const required = ["@method", "@authority", "@path", "@query", "content-digest", "x-road-client", "x-road-service"];
  return [
    () => verifyMessage({ ...config, requiredFields: required }, request),
    () => verifyMessage({ ...config, requiredFields: ["@status", "content-digest", "signature"] }, answer, request),
  ];
}

// http-message-sig: descriptors with fields in order, and a policy.
function newer(record) {
  const [method, target] = record.request.line.split("\r\n");
  const fieldsOf = (head) => pairs(head).map(([name, value]) => ({ name, value }));
  const targetUri = `https://${record.request.authority}${target}`;
  const request = { kind: "request", method, targetUri, requestTarget: target, fields: fieldsOf(record.request) };
  const status = Number(record.answer.line.split("\r\n")[0]);
  const answer = { kind: "response", status, fields: fieldsOf(record.answer), request };
  const options = (head, requiredComponents) => {
    const created = Number(/created=(\d+)/.exec(pairs(head).find(([name]) => name === "signature-input")[1])[1]);
    return {
      label: "gw",
      policy: {
        algorithms: ["ed25519", "ecdsa-p256-sha256"],
        requiredComponents,
        requiredParameters: ["created", "expires", "keyid", "alg", "tag"],
        maxAge: 300,
        now: created + 1,
      },
      resolveVerifier({ parameters }) {
        const pem = keys[parameters.keyid];
        if (!pem) throw new Error("an unknown key");
        const algorithm = algorithmOf(pem);
        const hash = algorithm === "ed25519" ? null : "sha256";
        const key = { key: createPublicKey(pem), dsaEncoding: "ieee-p1363" };
        return { algorithm, verify: (data, signature) => verifyWith(hash, data, key, signature) };
      },
    };
  };
  const required = ["@method", "@authority", "@path", "@query", "content-digest", "x-road-client", "x-road-service"];
  return [
    () => verifySignature(request, options(record.request, required)),
    () => verifySignature(answer, options(record.answer, ["@status", "content-digest"])),
  ];
}

const told = [];
for (const encoded of records) {
  const record = JSON.parse(Buffer.from(encoded, "base64").toString("utf8"));
  const one = {};
  for (const [name, checks] of [["http-message-signatures", older], ["http-message-sig", newer]]) {
    one[name] = [];
    for (const place of [0, 1]) one[name].push(await tried(() => checks(record)[place]()));
  }
  told.push(one);
}
console.log(JSON.stringify(told));
