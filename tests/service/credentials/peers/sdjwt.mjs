// npm @sd-jwt: `verify` each of many presentations of ours, `issue` one of its own. In: JSON on stdin; out: JSON.
import { readFileSync } from "node:fs";
import { digest, ES256, generateSalt } from "@sd-jwt/crypto-nodejs";
import { createHeaderAndPayload, getListFromStatusListJWT, StatusList } from "@sd-jwt/jwt-status-list";
import { SDJwtVcInstance } from "@sd-jwt/sd-jwt-vc";
import { importJWK, SignJWT } from "jose";

const asked = JSON.parse(readFileSync(0, "utf8"));
const base = { hasher: digest, hashAlg: "sha-256", saltGenerator: generateSalt, signAlg: "ES256", kbSignAlg: "ES256" };

async function verify() {
  const instance = new SDJwtVcInstance({
    ...base,
    verifier: await ES256.getVerifier(asked.issuer),
    kbVerifier: async (data, signature, payload) => (await ES256.getVerifier(payload.cnf.jwk))(data, signature),
    statusListFetcher: async () => asked.statusList,
  });
  const options = { keyBindingNonce: asked.nonce, currentDate: asked.now };
  const found = [];
  for (const presentation of asked.presentations) {
    try {
      const { payload, kb } = await instance.verify(presentation, options);
      found.push({ claims: payload, audience: kb.payload.aud });
    } catch (error) {
      found.push({ refused: String(error.message) });
    }
  }
  return found;
}

async function issue() {
  const issuer = await ES256.generateKeyPair(), holder = await ES256.generateKeyPair();
  const instance = new SDJwtVcInstance({
    ...base, signer: await ES256.getSigner(issuer.privateKey), verifier: await ES256.getVerifier(issuer.publicKey),
    kbSigner: await ES256.getSigner(holder.privateKey), kbVerifier: await ES256.getVerifier(holder.publicKey),
  });
  const { now, nonce, audience, claims, frame, shown, uri } = asked;
  const status = { status_list: { idx: 3, uri } };
  const payload = { iss: "https://issuer.example", iat: now, exp: now + 3600, vct: "https://issuer.example/id", status,
    cnf: { jwk: holder.publicKey }, ...claims };
  const credential = await instance.issue(payload, frame);
  const presentation = await instance.present(credential, shown, { kb: { payload: { iat: now, aud: audience, nonce } } });
  const list = new StatusList([0, 1, 0, asked.status, 1, 0, 1, 1], 1);
  const made = createHeaderAndPayload(list, { iss: "https://issuer.example", sub: uri, iat: now, exp: now + 60 }, { alg: "ES256" });
  const key = await importJWK(issuer.privateKey, "ES256");
  const token = await new SignJWT(made.payload).setProtectedHeader(made.header).sign(key);
  return { issuer: issuer.publicKey, presentation, token };
}

function status() {
  return asked.indexes.map((index) => getListFromStatusListJWT(asked.statusList).getStatus(index));
}

console.log(JSON.stringify(await { verify, issue, status }[process.argv[2]]()));
