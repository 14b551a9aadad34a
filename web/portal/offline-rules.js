// May this card buy? Pure: values in, an answer out. The rule book's own words and the engine's own codes, and three more
// that only a device without a network says: lease_used_up, lease_over, maybe_served. bad_qty is of the field alone.
"use strict";
offlineSale.rules = (() => {
  const LETTERS = "ABCDEFGHJKLMNPQRSTUVXYWZIO", WEIGHTS = [8, 7, 6, 5, 4, 3, 2, 1, 1];
  const TAIPEI_S = 8 * 3600, DAY_S = 86_400;

  const checks = (number, second) => {
    const value = LETTERS.indexOf(number[0]) + 10;
    const digits = [second, ...number.slice(2)].map(Number);
    const sum = Math.floor(value / 10) + (value % 10) * 9 + digits.reduce((all, digit, at) => all + digit * WEIGHTS[at], 0);
    return sum % 10 === 0;
  };

  const kindOf = (number) => {
    if (/^[A-Z][12][0-9]{8}$/.test(number)) return checks(number, number[1]) ? "citizen" : null;
    if (/^[A-Z][89][0-9]{8}$/.test(number)) return checks(number, number[1]) ? "resident" : null;
    if (/^[A-Z][A-D][0-9]{8}$/.test(number)) return checks(number, LETTERS.indexOf(number[1]) % 10) ? "resident" : null;
    return null;
  };

  // As the counter reads it; null for what is no card. A card of the insurance tells no parity: its chip was not read.
  const readCard = (typed, paper) => {
    const number = typed.slice(0, 64).normalize("NFKC").toUpperCase().replace(/[^0-9A-Z]/g, "");
    const parity = /[0-9]$/.test(number) ? Number(number.at(-1)) % 2 : null;
    const kind = kindOf(number), isNhi = /^[0-9]{12}$/.test(number);
    if (paper === "permit") return /^[0-9A-Z]{6,15}$/.test(number) && !kind && !isNhi ? { number, kind: "entry_permit", parity: null } : null;
    if (isNhi) return paper === "card" ? { number, kind: "citizen", parity: null } : null;
    if (!kind) return null;
    return { number, kind: paper === "id" ? "no_card" : kind, parity };
  };

  const dayOf = (at) => Math.floor((at + TAIPEI_S) / DAY_S);
  const startOf = (day) => day * DAY_S - TAIPEI_S;
  const weekdayOf = (day) => ((day + 3) % 7) + 1; // 1970-01-01 was a Thursday; ISO: Monday is 1
  const numberOf = (date) => Math.floor(Date.parse(`${date}T00:00:00Z`) / 1000 / DAY_S);

  const editionOn = (book, day) => book.edition.filter((one) => numberOf(one.from) <= day).at(-1) ?? { rule: [] };
  const filled = (rule) => ({
    least_age: 0, most_age: 200, counts: [], kinds: ["citizen", "resident", "entry_permit", "no_card"],
    channels: ["pharmacy", "health_centre"], odd_weekdays: [], even_weekdays: [], closed: {}, ...rule,
  });
  const rulesOf = (book, item, day) => (editionOn(book, day).rule ?? []).map(filled).filter((rule) => rule.item === item);

  // Must the age be asked? Only where it decides.
  const asksAge = (book, item, day) => rulesOf(book, item, day).some((rule) => rule.least_age > 0 || rule.most_age < 200);

  const opensTo = (rule, parity, day) => {
    const weekday = weekdayOf(day);
    if ((!rule.odd_weekdays.length && !rule.even_weekdays.length) || parity === null) return true;
    return (parity ? rule.odd_weekdays : rule.even_weekdays).includes(weekday);
  };
  const isClosed = (rule, channel, day) => (rule.closed[channel] ?? []).includes(weekdayOf(day));

  const nextDay = (day, holds) => {
    for (let later = day + 1; later <= day + 8; later += 1) if (holds(later)) return startOf(later);
    return null;
  };

  // `asked`: {card, item, qty (0: all she may), age, now, channel, isHit, useReserve}; `leases`: of the item,
  // [{claims, left, reserve}]; `bought`: what this device sold to her, [{item, qty, day}].
  const decide = (asked, { book, leases, bought }) => {
    if (!Number.isInteger(asked.qty) || asked.qty < 0) return { code: "bad_qty" };
    const today = dayOf(asked.now), rules = rulesOf(book, asked.item, today);
    if (!rules.length) return { code: "unknown_rule" };
    const age = asked.age ?? 30;
    const rule = rules.find((one) => one.least_age <= age && age <= one.most_age);
    if (!rule) return { code: "not_of_age" };
    if (!rule.channels.includes(asked.channel)) return { code: "not_this_channel" };
    if (!rule.kinds.includes(asked.card.kind)) return { code: "not_this_kind" };
    if (isClosed(rule, asked.channel, today)) return { code: "closed", from: nextDay(today, (day) => !isClosed(rule, asked.channel, day)) };
    if (!opensTo(rule, asked.card.parity, today)) return { code: "too_early_by_parity", from: nextDay(today, (day) => opensTo(rule, asked.card.parity, day)) };
    const counts = rule.counts.length ? rule.counts : [asked.item];
    const used = bought.filter((one) => counts.includes(one.item) && one.day > today - rule.window_days);
    const left = Math.max(0, rule.quantity - used.reduce((all, one) => all + one.qty, 0));
    const qty = asked.qty || left;
    if (!left || qty > left) {
      const first = Math.min(...used.map((one) => one.day));
      return { code: "quota_reached", left, from: used.length ? startOf(first + rule.window_days) : null };
    }
    const live = leases.filter((one) => asked.now < one.claims.exp), fits = live.filter((one) => one.left >= qty);
    if (!live.length) return { code: "lease_over" };
    if (!fits.length) return { code: "lease_used_up", left: Math.max(...live.map((one) => one.left)) };
    if (!asked.isHit) return { code: "", qty, hit: false, lease: fits[0] };
    const able = fits.find((one) => one.reserve >= qty);
    if (!able || !asked.useReserve) return { code: "maybe_served", reserve: able?.reserve ?? 0 };
    return { code: "", qty, hit: true, lease: able };
  };

  return { asksAge, dayOf, decide, readCard, startOf };
})();
