// Checks a shown credential (SD-JWT VC with key binding, RFC 9901) by pinned issuer keys, and its status list; no network,
// no page: values in, a report out. `credentialCheck.check` throws `Refused` whose `reason` is a key of the page's words.
"use strict";
(() => {
  const MOST_BYTES = 262_144, MOST_SHOWN = 500, MOST_DEEP = 16, MOST_LIST = 16_777_216, BOUND_S = 300;
  const RESERVED = new Set(["_sd", "...", "_sd_alg"]);
  const bytes = (text) => new TextEncoder().encode(text);

  class Refused extends Error {
    constructor(reason) {
      super(reason);
      this.reason = reason;
    }
  }

  const refuse = (reason) => {
    throw new Refused(reason);
  };

  const decoded = (text) => {
    if (!/^[\w-]*$/.test(text)) refuse("shape");
    const raw = Uint8Array.from(atobOf(text), (one) => one.charCodeAt(0));
    if (encoded(raw) !== text) refuse("shape"); // two spellings of one thing would have two digests
    return raw;
  };
  const atobOf = (text) => {
    try {
      return atob(text.replaceAll("-", "+").replaceAll("_", "/"));
    } catch {
      return refuse("shape");
    }
  };
  const encoded = (raw) => {
    let text = "";
    for (const one of raw) text += String.fromCharCode(one);
    return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
  };
  const json = (raw) => {
    try {
      return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(raw));
    } catch {
      return refuse("shape");
    }
  };
  const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);
  const digestOf = async (text) => encoded(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes(text))));

  const read = (jwt) => {
    const parts = jwt.split(".");
    if (parts.length !== 3) refuse("shape");
    const [header, payload] = parts.slice(0, 2).map((part) => json(decoded(part)));
    if (!isObject(header) || !isObject(payload) || "crit" in header || "b64" in header) refuse("shape");
    return { header, payload, signed: bytes(`${parts[0]}.${parts[1]}`), signature: decoded(parts[2]) };
  };

  // Only ES256: the key says which algorithm, never the token.
  const isSigned = async (jwt, jwk) => {
    if (jwt.header.alg !== "ES256" || !isObject(jwk) || jwk.kty !== "EC" || jwk.crv !== "P-256") return false;
    const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
    try {
      const key = await crypto.subtle.importKey("jwk", { kty: "EC", crv: "P-256", x: jwk.x, y: jwk.y }, algorithm, false, ["verify"]);
      return await crypto.subtle.verify(algorithm, key, jwt.signature, jwt.signed);
    } catch {
      return false;
    }
  };

  const byPinned = async (jwt, issuer, reason) => {
    const keys = issuer.keys.filter((key) => jwt.header.kid === undefined || key.kid === jwt.header.kid);
    for (const key of keys) if (await isSigned(jwt, key)) return;
    refuse(reason);
  };

  // Disclosures

  const disclosureOf = async (text) => {
    const parts = json(decoded(text));
    if (!Array.isArray(parts) || typeof parts[0] !== "string" || parts.length < 2 || parts.length > 3) refuse("shape");
    if (parts.length === 3 && typeof parts[1] !== "string") refuse("shape");
    return { digest: await digestOf(text), name: parts.length === 3 ? parts[1] : null, value: parts.at(-1) };
  };

  const reveal = (payload, disclosures) => {
    if ((payload._sd_alg ?? "sha-256") !== "sha-256") refuse("shape");
    const left = new Map(disclosures.map((one) => [one.digest, one])), seen = new Set();
    if (left.size !== disclosures.length) refuse("disclosures");
    const take = (digest, isElement) => {
      if (typeof digest !== "string" || seen.has(digest)) refuse("disclosures");
      seen.add(digest);
      const found = left.get(digest);
      left.delete(digest);
      if (found && (found.name === null) !== isElement) refuse("disclosures");
      return found;
    };
    const members = (value, depth) => {
      if ("..." in value) refuse("disclosures");
      const digests = value._sd ?? [], shown = new Map();
      if (!Array.isArray(digests)) refuse("disclosures");
      for (const [name, item] of Object.entries(value)) if (!RESERVED.has(name)) shown.set(name, walk(item, depth + 1));
      for (const digest of digests) {
        const found = take(digest, false);
        if (!found) continue;
        if (RESERVED.has(found.name) || shown.has(found.name)) refuse("disclosures");
        shown.set(found.name, walk(found.value, depth + 1));
      }
      return Object.fromEntries(shown);
    };
    const element = (item, depth) => {
      if (!isObject(item) || !("..." in item)) return [walk(item, depth + 1)];
      if (Object.keys(item).length !== 1) refuse("disclosures");
      const found = take(item["..."], true);
      return found ? [walk(found.value, depth + 1)] : [];
    };
    const walk = (value, depth) => {
      if (depth > MOST_DEEP) refuse("shape");
      if (Array.isArray(value)) return value.flatMap((item) => element(item, depth));
      return isObject(value) ? members(value, depth) : value;
    };
    const claims = members(payload, 0);
    if (left.size) refuse("disclosures");
    return claims;
  };

  // Key binding and status

  const binding = async (text, jwt, claims, asked) => {
    const bound = read(jwt);
    if (bound.header.typ !== "kb+jwt" || !(await isSigned(bound, claims.cnf?.jwk))) refuse("binding");
    const { aud, nonce, iat, sd_hash: hash } = bound.payload;
    if (hash !== (await digestOf(text))) refuse("binding_of_other");
    if (!Number.isInteger(iat) || Math.abs(asked.now - iat) > BOUND_S) refuse("binding_old");
    if ((asked.audience && aud !== asked.audience) || (asked.nonce && nonce !== asked.nonce)) refuse("binding_for_other");
    return { audience: String(aud), nonce: String(nonce), at: iat };
  };

  const inflated = async (raw) => {
    const reader = new Blob([raw]).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
    const parts = [];
    for (let size = 0; ; ) {
      const { done, value } = await reader.read().catch(() => refuse("status_shape"));
      if (done) break;
      size += value.length;
      if (size > MOST_LIST) refuse("status_shape");
      parts.push(value);
    }
    return new Uint8Array(await new Blob(parts).arrayBuffer());
  };

  // Where its status stands: null when it says nothing of one.
  const place = (claims) => {
    if (claims.status === undefined) return null;
    const { idx, uri } = claims.status?.status_list ?? {};
    if (!Number.isInteger(idx) || idx < 0 || typeof uri !== "string") refuse("status_shape");
    return { idx, uri };
  };

  // The status by a list token: 0 good, 1 revoked, 2 suspended; with the time of the list.
  const statusIn = async (token, where, issuer, now) => {
    const list = read(token.trim());
    if (list.header.typ !== "statuslist+jwt" || list.payload.sub !== where.uri) refuse("status_other");
    await byPinned(list, issuer, "status_signature");
    const { iat, exp, status_list: packed } = list.payload;
    if (typeof iat !== "number" || (exp !== undefined && !(now < exp))) refuse("status_old");
    if (!isObject(packed) || ![1, 2, 4, 8].includes(packed.bits) || typeof packed.lst !== "string") refuse("status_shape");
    const raw = await inflated(decoded(packed.lst)), bit = where.idx * packed.bits, at = Math.floor(bit / 8);
    if (at >= raw.length) refuse("status_shape");
    return { value: (raw[at] >> bit % 8) & ((1 << packed.bits) - 1), at: iat };
  };

  // `pinned`: [{issuer, keys}], `lists`: status list tokens at hand, `now` in seconds; `audience` and `nonce` only when the
  // verifier asked with them. The report holds what was shown, and `status` null when no list is at hand.
  const check = async (text, { pinned, lists = [], now, audience = "", nonce = "" }) => {
    const [jwt, ...rest] = text.trim().split("~"), bound = rest.pop();
    if (text.length > MOST_BYTES || bound === undefined || rest.length > MOST_SHOWN) refuse("shape");
    const token = read(jwt);
    if (!["dc+sd-jwt", "vc+sd-jwt"].includes(token.header.typ)) refuse("shape");
    const issuer = pinned.find((one) => one.issuer === token.payload.iss);
    if (!issuer) refuse("issuer");
    await byPinned(token, issuer, "signature");
    const claims = reveal(token.payload, await Promise.all(rest.map(disclosureOf)));
    for (const name of ["exp", "nbf"]) if (name in claims && typeof claims[name] !== "number") refuse("shape");
    if (now >= (claims.exp ?? Infinity)) refuse("expired");
    if (now < (claims.nbf ?? 0)) refuse("early");
    if (!bound && (audience || nonce)) refuse("binding");
    const by = bound ? await binding([jwt, ...rest, ""].join("~"), bound, claims, { now, audience, nonce }) : null;
    const where = place(claims);
    let status = null;
    for (const list of where ? lists : []) {
      try {
        status = await statusIn(list, where, issuer, now);
        break;
      } catch (error) {
        if (error.reason !== "status_other" && error.reason !== "status_old") throw error;
      }
    }
    if (status?.value) refuse(status.value === 2 ? "suspended" : "revoked");
    const hidden = new Set(["iss", "iat", "nbf", "exp", "vct", "cnf", "status"]);
    const shown = Object.fromEntries(Object.entries(claims).filter(([name]) => !hidden.has(name)));
    return { issuer: issuer.issuer, type: claims.vct, shown, expires: claims.exp ?? null, bound: by, place: where, status };
  };

  globalThis.credentialCheck = { check, Refused };
})();
