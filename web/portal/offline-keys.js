// What a terminal signs and seals with: compact JWS (ES256) and JWE (ECDH-ES, A256GCM) by WebCrypto alone. Its keys are
// made here and cannot be read out again, not even by this page. The formats: docs/offline-sale.md.
"use strict";
globalThis.offlineSale = (() => {
  const SEALED_BYTES = 128, ASKING = "offline-asking+jwt", RECEIPT = "offline-receipt+jwt";
  const ECDSA = { name: "ECDSA", namedCurve: "P-256" }, ECDH = { name: "ECDH", namedCurve: "P-256" };
  const HMAC = { name: "HMAC", hash: "SHA-256", length: 256 };
  const bytes = (text) => new TextEncoder().encode(text);

  const encoded = (raw) => {
    let text = "";
    for (const one of new Uint8Array(raw)) text += String.fromCharCode(one);
    return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  };
  const decoded = (text) => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (one) => one.charCodeAt(0));
  const digest = async (raw) => new Uint8Array(await crypto.subtle.digest("SHA-256", raw));
  const hex = (raw) => [...raw].map((one) => one.toString(16).padStart(2, "0")).join("");
  const joined = (...parts) => new Uint8Array(parts.flatMap((part) => [...part]));
  const number32 = (value) => new Uint8Array([value >>> 24, value >>> 16, value >>> 8, value]);

  const point = ({ x, y }) => ({ kty: "EC", crv: "P-256", x, y });

  // RFC 7638
  const thumbprint = async ({ x, y }) => encoded(await digest(bytes(JSON.stringify({ crv: "P-256", kty: "EC", x, y }))));

  const makeDevice = async () => {
    const sign = await crypto.subtle.generateKey(ECDSA, false, ["sign", "verify"]);
    const agree = await crypto.subtle.generateKey(ECDH, false, ["deriveKey", "deriveBits"]);
    const own = await crypto.subtle.generateKey(HMAC, false, ["sign"]);
    const signJwk = point(await crypto.subtle.exportKey("jwk", sign.publicKey));
    const agreeJwk = point(await crypto.subtle.exportKey("jwk", agree.publicKey));
    const kid = await thumbprint(signJwk);
    return { sign: sign.privateKey, agree: agree.privateKey, own, signJwk, agreeJwk, kid, terminal: hex(decoded(kid).slice(0, 8)) };
  };

  const signed = async (device, typ, claims) => {
    const head = encoded(bytes(JSON.stringify({ alg: "ES256", typ, kid: device.kid })));
    const said = `${head}.${encoded(bytes(JSON.stringify(claims)))}`;
    const signature = await crypto.subtle.sign({ name: "ECDSA", hash: "SHA-256" }, device.sign, bytes(said));
    return `${said}.${encoded(signature)}`;
  };

  // What names a receipt, and what the next one points at: the digest of its signed words.
  const idOf = async (token) => encoded(await digest(bytes(token.slice(0, token.lastIndexOf(".")))));

  // The claims of a token of the node's; throws when anything is not as it should be.
  const read = async (token, jwk, typ) => {
    const [head, body, signature] = token.split(".");
    const header = JSON.parse(new TextDecoder().decode(decoded(head)));
    if (header.alg !== "ES256" || header.typ !== typ) throw new Error("typ");
    const key = await crypto.subtle.importKey("jwk", point(jwk), ECDSA, false, ["verify"]);
    const holds = await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, key, decoded(signature), bytes(`${head}.${body}`));
    if (!holds) throw new Error("signature");
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(decoded(body)));
  };

  // RFC 7518 s4.6: ECDH-ES with the Concat KDF, one round of which gives the 256 bits of A256GCM.
  const sealed = async (card, jwk) => {
    const ephemeral = await crypto.subtle.generateKey(ECDH, false, ["deriveBits"]);
    const epk = point(await crypto.subtle.exportKey("jwk", ephemeral.publicKey));
    const theirs = await crypto.subtle.importKey("jwk", point(jwk), ECDH, false, []);
    const shared = new Uint8Array(await crypto.subtle.deriveBits({ name: "ECDH", public: theirs }, ephemeral.privateKey, 256));
    const enc = bytes("A256GCM");
    const secret = await digest(joined(number32(1), shared, number32(enc.length), enc, number32(0), number32(0), number32(256)));
    const key = await crypto.subtle.importKey("raw", secret, "AES-GCM", false, ["encrypt"]);
    const plain = bytes(JSON.stringify(card));
    if (plain.length > SEALED_BYTES) throw new Error("long");
    const padded = new Uint8Array(SEALED_BYTES).fill(32);
    padded.set(plain);
    const head = encoded(bytes(JSON.stringify({ alg: "ECDH-ES", enc: "A256GCM", epk })));
    const iv = crypto.getRandomValues(new Uint8Array(12));
    const box = new Uint8Array(await crypto.subtle.encrypt({ name: "AES-GCM", iv, additionalData: bytes(head) }, key, padded));
    return `${head}..${encoded(iv)}.${encoded(box.slice(0, -16))}.${encoded(box.slice(-16))}`;
  };

  // A snapshot's keys, unwrapped by the device's own into keys that nobody can read.
  const unwrapped = async (device, snapshot) => {
    const epk = await crypto.subtle.importKey("jwk", point(snapshot.epk), ECDH, false, []);
    const shared = await crypto.subtle.deriveKey({ name: "ECDH", public: epk }, device.agree, "HKDF", false, ["deriveKey"]);
    const info = bytes(`banyan quota-snapshot ${snapshot.jti}`);
    const how = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info };
    const box = await crypto.subtle.deriveKey(how, shared, { name: "AES-GCM", length: 256 }, false, ["unwrapKey"]);
    const keys = {};
    for (const [name, wrapped] of Object.entries(snapshot.keys)) {
      const raw = decoded(wrapped), iv = raw.slice(0, 12);
      keys[name] = await crypto.subtle.unwrapKey("raw", raw.slice(12), box, { name: "AES-GCM", iv, additionalData: bytes(name) }, HMAC, false, ["sign"]);
    }
    return keys;
  };

  const keyed = async (key, raw) => new Uint8Array(await crypto.subtle.sign("HMAC", key, raw));

  // Does the snapshot take the number for served? About 1 in 100 others too; never misses one.
  const isServed = async (pack, item, number) => {
    const filter = pack.filters[item];
    if (!filter) return false;
    const length = filter.length * 8;
    for (const [name, key] of Object.entries(pack.keys)) {
      if (name === "snapshot") continue;
      const mark = (await keyed(key, bytes(number))).slice(0, 16);
      const view = new DataView((await keyed(pack.keys.snapshot, mark)).buffer);
      let isThere = true;
      for (let at = 0; at < 28 && isThere; at += 4) {
        const place = view.getUint32(at) % length;
        isThere = ((filter[Math.floor(place / 8)] >> place % 8) & 1) === 1;
      }
      if (isThere) return true;
    }
    return false;
  };

  // How this device knows somebody whom it sold to; of no use to another device.
  const ownMark = async (device, number) => encoded(await keyed(device.own, bytes(number)));

  return { ASKING, RECEIPT, bytes, decoded, digest, encoded, hex, idOf, isServed, makeDevice, ownMark, read, sealed, signed, unwrapped };
})();
