// Checks a receipt of the transparency log (c2sp.org/tlog-proof) by pinned keys: the log's Ed25519 signature, the
// witnesses' Ed25519 cosignatures, the way from the entry to the root, and the record behind a use's commitment. No
// network, no page: bytes in, a report out. `receiptCheck.check` throws `Refused` whose `reason` is a key of the words.
"use strict";
(() => {
  const HEAD = "c2sp.org/tlog-proof@v1", MOST_BYTES = 1_000_000, MOST_HASHES = 63, MOST_SIGNATURES = 100, SALT = 16;
  const SIGNED = 1, COSIGNED = 4, POST_QUANTUM = 6, MOST = 2n ** 63n - 1n;
  const utf8 = new TextEncoder();

  class Refused extends Error {
    constructor(reason) {
      super(reason);
      this.reason = reason;
    }
  }
  const refuse = (reason) => {
    throw new Refused(reason);
  };

  const textOf = (raw) => {
    try {
      return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(raw);
    } catch {
      return refuse("shape");
    }
  };
  const encoded = (raw) => btoa(Array.from(raw, (one) => String.fromCharCode(one)).join(""));
  // In its one spelling: base64 has bits that say nothing, and a receipt has no twin.
  const decoded = (text, reason = "shape") => {
    let raw;
    try {
      raw = Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
    } catch {
      refuse(reason);
    }
    if (encoded(raw) !== text) refuse(reason);
    return raw;
  };
  const joined = (...parts) => {
    const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  };
  const digest = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", joined(...parts)));
  const hex = (raw) => Array.from(raw, (one) => one.toString(16).padStart(2, "0")).join("");
  const equal = (one, other) => one.length === other.length && one.every((value, at) => value === other[at]);
  const numberOf = (raw) => raw.reduce((sum, one) => (sum << 8n) | BigInt(one), 0n);
  const sizeOf = (text) => {
    if (!/^(0|[1-9][0-9]{0,18})$/.test(text) || BigInt(text) > MOST) refuse("shape");
    return BigInt(text);
  };
  const hashOf = (text) => {
    const raw = decoded(text);
    return raw.length === 32 ? raw : refuse("shape");
  };

  // Keys: `name+id+base64(type || key)`, one a line.
  const keyOf = async (line) => {
    const [name, id, ...rest] = line.split("+");
    const raw = decoded(rest.join("+"), "keys");
    const key = { name, kind: raw[0], raw: raw.subarray(1), id };
    if (!name || /\s/.test(name) || hex((await digest(utf8.encode(`${name}\n`), raw)).subarray(0, 4)) !== id) refuse("keys");
    if ((key.kind === SIGNED || key.kind === COSIGNED) && key.raw.length !== 32) refuse("keys");
    return key;
  };
  const keysOf = (lines) => Promise.all(lines.map((line) => line.trim()).filter(Boolean).map(keyOf));

  const isGood = async (key, signature, message) => {
    try {
      const imported = await crypto.subtle.importKey("raw", key.raw, { name: "Ed25519" }, false, ["verify"]);
      return await crypto.subtle.verify({ name: "Ed25519" }, imported, signature, message);
    } catch {
      return refuse("browser"); // a browser without Ed25519
    }
  };

  // Parsing

  const noteOf = (note) => {
    if (/[\u0000-\u0009\u000b-\u001f]/.test(note)) refuse("shape");
    const at = note.lastIndexOf("\n\n");
    if (at < 0 || !note.endsWith("\n")) refuse("shape");
    const lines = note.slice(at + 2, -1).split("\n");
    if (lines.length > MOST_SIGNATURES) refuse("shape");
    const signatures = lines.map((line) => {
      const [dash, name, text, ...more] = line.split(" ");
      if (dash !== "—" || !name || name.includes("+") || !text || more.length) refuse("shape");
      const raw = decoded(text);
      return raw.length > 4 ? { name, id: hex(raw.subarray(0, 4)), raw: raw.subarray(4) } : refuse("shape");
    });
    return { text: note.slice(0, at + 1), signatures };
  };

  const checkpointOf = (text) => {
    const lines = text.slice(0, -1).split("\n");
    if (lines.length < 3 || lines.some((line) => !line)) refuse("shape");
    return { origin: lines[0], size: sizeOf(lines[1]), root: hashOf(lines[2]) };
  };

  const keptOf = (raw) => {
    let kept;
    try {
      kept = JSON.parse(textOf(raw));
    } catch {
      refuse("shape");
    }
    const names = ["entry", "salt", "record"].filter((name) => kept !== null && typeof kept[name] === "string" && (name === "entry" || kept[name]));
    const again = Object.fromEntries(names.map((name) => [name, kept[name]]));
    if (!names.includes("entry") || JSON.stringify(again) !== textOf(raw)) refuse("shape");
    return { entry: decoded(kept.entry), salt: decoded(again.salt ?? ""), record: decoded(again.record ?? "") };
  };

  const receiptOf = (raw) => {
    if (raw.length > MOST_BYTES) refuse("shape");
    const whole = textOf(raw), gap = whole.indexOf("\n\n");
    if (gap < 0) refuse("shape");
    const lines = whole.slice(0, gap).split("\n");
    if (lines.shift() !== HEAD) refuse("head");
    const extra = lines[0]?.startsWith("extra ") ? decoded(lines.shift().slice(6)) : refuse("entry");
    const index = lines[0]?.startsWith("index ") ? sizeOf(lines.shift().slice(6)) : refuse("shape");
    if (lines.length > MOST_HASHES) refuse("shape");
    return { kept: keptOf(extra), index, proof: lines.map(hashOf), note: noteOf(whole.slice(gap + 2)) };
  };

  // RFC 9162 s2.1.3.2
  const isIncluded = async (leaf, index, proof, { size, root }) => {
    if (index >= size) return false;
    let place = index, last = size - 1n, hash = leaf;
    for (const beside of proof) {
      if (last === 0n) return false;
      if (place & 1n || place === last) {
        hash = await digest([1], beside, hash);
        while (!(place & 1n) && place !== 0n) {
          place >>= 1n;
          last >>= 1n;
        }
      } else hash = await digest([1], hash, beside);
      place >>= 1n;
      last >>= 1n;
    }
    return last === 0n && equal(hash, root);
  };

  // Each known key once; a wrong signature of a known key is a note that was tampered with.
  const signedBy = async ({ text, signatures }, keys) => {
    const good = [];
    for (const key of keys) {
      const found = signatures.find((one) => one.name === key.name && one.id === key.id);
      if (!found || (key.kind !== SIGNED && key.kind !== COSIGNED)) continue;
      const at = key.kind === COSIGNED ? numberOf(found.raw.subarray(0, 8)) : 0n;
      const message = key.kind === COSIGNED ? `cosignature/v1\ntime ${at}\n${text}` : text;
      const signature = key.kind === COSIGNED ? found.raw.subarray(8) : found.raw;
      if (at > MOST || signature.length !== 64 || !(await isGood(key, signature, utf8.encode(message)))) refuse("signature");
      good.push({ key, at: Number(at) });
    }
    return good;
  };

  const recordOf = async ({ salt, record }, entry) => {
    if (!record.length) return entry.kind === "release" ? refuse("record") : null;
    if (salt.length !== SALT || entry.commitment !== hex(await digest(salt, record))) refuse("record");
    return JSON.parse(textOf(record));
  };

  // `keys` of the log: every Ed25519 one must have signed; at least `quorum` of the `witnesses` by name.
  const check = async (raw, { keys, witnesses = [], quorum = 0 }) => {
    const receipt = receiptOf(raw), checkpoint = checkpointOf(receipt.note.text);
    const logs = await keysOf(keys), seen = await keysOf(witnesses);
    const must = logs.filter((key) => key.kind === SIGNED);
    if (!must.length) refuse("keys");
    const good = await signedBy(receipt.note, [...must, ...seen]);
    if (must.some((key) => key.name !== checkpoint.origin || !good.some((one) => one.key === key))) refuse("signer");
    const cosigned = good.filter((one) => seen.includes(one.key));
    if (new Set(cosigned.map((one) => one.key.name)).size < quorum) refuse("quorum");
    if (!(await isIncluded(await digest([0], receipt.kept.entry), receipt.index, receipt.proof, checkpoint))) refuse("proof");
    const entry = JSON.parse(textOf(receipt.kept.entry));
    return {
      index: String(receipt.index), origin: checkpoint.origin, size: String(checkpoint.size), root: hex(checkpoint.root),
      entry, record: await recordOf(receipt.kept, entry),
      witnesses: cosigned.map(({ key, at }) => ({ name: key.name, at })),
      unchecked: [...logs, ...seen].filter((key) => key.kind === POST_QUANTUM).map((key) => key.name),
    };
  };

  globalThis.receiptCheck = { check, Refused };
})();
