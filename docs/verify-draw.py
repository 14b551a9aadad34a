"""Run a published draw again: python verify-draw.py draw.json ranks.csv   (needs: pip install drand-verify)"""
import base64, csv, hashlib, json, re, sys  # noqa: E401 - one page, to be read whole
def sha(*parts): return hashlib.sha256(b"".join(parts)).digest()
def must(holds, what): holds or sys.exit(f"REFUSED: {what}")
draw = json.load(open(sys.argv[1])); commit, close = json.loads(draw["commit"]), json.loads(draw["close"])
must((commit["step"], close["step"], commit["id"]) == ("commit", "close", draw["draw"]), "the acts")
must(close["commit"] == sha(draw["commit"].encode()).hex(), "the list was closed for another commitment")
for act in "commit", "close":  # the receipt is of this entry; that a log held it in time, any C2SP tool can tell
    kept = json.loads(base64.b64decode(re.search("^extra (.*)$", draw[act + "_receipt"], re.M)[1]))
    must(base64.b64decode(kept["entry"]).decode() == draw[act], f"the receipt of another {act}")
nonces = [bytes.fromhex(one) for one in draw["nonces"]]
must(",".join(sha(one).hex() for one in nonces) == commit["nonces"], "a nonce that was not committed to")
if commit["method"] == "drand":
    import drand_verify
    must(re.fullmatch("[0-9a-f]{96}", draw["signature"]), "no signature")
    try: randomness = bytes.fromhex(drand_verify.verify_quicknet(commit["round"], draw["signature"]))
    except ValueError: sys.exit(f"REFUSED: drand did not sign this for round {commit['round']}")
else: randomness = sha(f"{commit['source']}\n{draw['numbers']}".encode())
seed, before, drawn = sha(bytes.fromhex(close["root"]), randomness, *nonces), b"", []
must(seed.hex() == draw["seed"], "the seed")
for place, row in enumerate(csv.DictReader(open(sys.argv[2], newline="")), 1):
    ticket, what = bytes.fromhex(row["ticket"]), [int(row[name]) for name in ("stratum", "people", "lots")]
    entry = ticket if what == [0, 1, 1] else ticket + bytes(what)
    rank = min(sha(seed, entry, bytes([lot] if lot else [])) for lot in range(what[2]))
    must(int(row["rank"]) == place and rank > before and len(ticket) == 32, f"the order at row {place}")
    before = rank; drawn.append((entry, str(what[0]), what[1], row["won"] == "1"))
level = [sha(b"\0", entry) for entry in sorted(one[0] for one in drawn)]  # the tree of RFC 6962
while len(level) > 1:
    level = [sha(b"\1", *level[i:i + 2]) if i + 1 < len(level) else level[i] for i in range(0, len(level), 2)]
must(level[0].hex() == close["root"] and len({one[0][:32] for one in drawn}) == close["count"], "the list")
left, won = json.loads(commit["shares"]), [False] * len(drawn); left[""] = commit["places"] - sum(left.values())
for pool in (*filter(None, left), ""):  # each stratum's own places, then what is left for everybody
    for at, (_, stratum, people, _) in enumerate(drawn):
        if won[at] or pool not in ("", stratum): continue
        if people > left[pool]: break
        won[at] = True; left[pool] -= people
    left[""] += left.pop(pool) if pool else 0
must(won == [one[3] for one in drawn], "who won")
print(f"HOLDS: {len(drawn)} tickets, {sum(won)} won, {left['']} places left")
