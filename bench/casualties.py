"""Names: find one person of a million as families and clerks write her, beside rapidfuzz and Person Finder's rules.

`python bench/casualties.py [--quick] [--json] [--ours]`. The names are generated, always the same: surnames frequent as
Taiwan's, given names of common characters, some with variants, a second surname by marriage, or an indigenous name.
Each way of writing gives questions whose right answers are known: every name written so. `recall`: the share of
questions with a right answer among the 50 shown; `first`: with a right one in the first place; `precision`: the share
of right ones in the first R places, R of them being right. Microseconds are of CPU time, medians a question. rapidfuzz
(`token_sort_ratio`, whole list a question) reads the names in characters for questions in characters, and in Hanyu for
questions in letters: its best case. Building the index is reported beside.
"""

from __future__ import annotations

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

from _casualties_peers import PersonFinder
from opencc import OpenCC

from banyan.craft.match import build, folded
from banyan.craft.match.romanised import _tongyong, _wade, surname_sounds, surnames, syllables
from banyan.craft.match.syllables import _plain, _readings

ROOT = Path(__file__).resolve().parents[1]
NAMES, QUICK_NAMES = 1_000_000, 100_000
QUESTIONS, PEER_QUESTIONS = 200, 12
SEED = 7
MOST = 50
FAMILIES = (
    "陳11140 林8310 黃6040 張5270 李5130 王4120 吳4030 劉3170 蔡2920 楊2660 許2330 鄭1890 謝1770 洪1510 郭1500 "
    "邱1460 曾1450 廖1350 賴1330 徐1260 周1240 葉1180 蘇1150 莊950 呂930 江930 何850 蕭840 羅830 高770 潘640 簡620 "
    "朱610 鍾600 游570 彭570 詹560 胡530 施530 沈520 余490 盧470 梁460 趙440 顏430 柯430 翁400 魏380 孫370 戴350 范340 "
    "方330 宋310 鄧260 杜250 傅230 侯220 曹210 薛200"
)
"""Surnames, and their bearers among 100,000."""
GIVEN = (
    "淑美雅志俊家怡建文明惠玉秀麗珍芬英華國榮雄宏偉傑豪翰宇軒婷佩君玲慧芳萍鈴琪琴瑜涵欣妤柔庭安佳穎蓉蓮月春桂金鳳霞雲珠"
    "寶貴財福祥慶忠信義仁德福成功正義勇強剛毅弘銘昌盛隆興旺達源泉清河江海山峰林森木松柏竹梅蘭菊荷萱芷晴嵐霖雯霏冠廷承恩"
    "柏睿彥博哲維瑋祐佑宗賢聖孝順平和靜宜儀伶俐珊瑩潔純如意心怡真誠實智聰敏捷凱旋勝利民生台灣群"
)  # fmt: skip
VARIANTS = str.maketrans({"台": "臺", "峰": "峯", "群": "羣", "黃": "黄", "溫": "温", "啟": "啓", "彥": "彦"})
TRIBAL = ("谷辣斯·尤達卡", "瓦歷斯·諾幹", "巴奈·庫穗", "伊斯坦大·貝雅夫", "夏曼·藍波安", "高金素梅")
PARTS = {"".join(part): part for part in syllables()}


def names(count: int) -> list[str]:
    chance = random.Random(SEED)
    families, weights = [one[0] for one in FAMILIES.split()], [int(one[1:]) for one in FAMILIES.split()]
    found = []
    for family in chance.choices(families, weights, k=count):
        kind = chance.random()
        given = "".join(chance.choices(GIVEN, k=1 if kind < 0.04 else 2))
        second = chance.choices(families, weights)[0] if 0.04 <= kind < 0.05 else ""
        name = second + family + given if second != family else family + given
        found.append(chance.choice(TRIBAL[:5]) if kind > 0.999 else name)
    return found


def _common(sign: str) -> str:
    """The commonest reading of a character."""
    return _plain(_readings()[str(ord(folded(sign)))].partition(",")[0])


def letters(name: str, spell: Callable[[str, str], str]) -> str:
    """Surname, then the given name with a hyphen; as passports have it."""
    signs = [one for one in name if one != "·"]
    said = [spell(*PARTS.get(surname_sounds().get(one) or _common(one), ("", one))) for one in signs]
    return f"{said[0].capitalize()} {'-'.join(said[1:]).capitalize()}"


def ways() -> dict[str, Callable[[str], str]]:
    """How each name is asked for; "" when it cannot be asked so."""
    simple = OpenCC("t2s").convert
    homes: defaultdict[str, list[str]] = defaultdict(list)
    for spelling, families in surnames().items():
        for family in families:
            homes[family].append(spelling)
    alike: defaultdict[str, list[str]] = defaultdict(list)
    for one in sorted(set(GIVEN)):
        alike[_common(one)].append(one)

    def homophone(name: str) -> str:
        others = [one for one in alike[_common(name[-1])] if one != name[-1]]
        return name[:-1] + others[0] if others and len(name) > 2 else ""

    def slip(name: str) -> str:
        return name[:-1] + GIVEN[(GIVEN.find(name[-1]) + 31) % len(GIVEN)] if len(name) == 3 else ""

    def hokkien(name: str) -> str:
        wade = letters(name, lambda *part: _wade(*part)[0]).partition(" ")
        return f"{sorted(homes[name[0]])[-1].capitalize()} {wade[2]}" if homes[name[0]] and len(name) < 5 else ""

    return {
        "exact": lambda name: name,
        "variant": lambda name: name.translate(VARIANTS) if name.translate(VARIANTS) != name else "",
        "simplified": lambda name: simple(name) if simple(name) != name else "",
        "swapped": lambda name: name[1:] + name[:1] if len(name) < 4 else "",
        "Wade-Giles": lambda name: letters(name, lambda *part: _wade(*part)[0]) if len(name) < 5 else "",
        "Hanyu": lambda name: letters(name, lambda *part: "".join(part).replace("v", "u")) if len(name) < 5 else "",
        "Tongyong": lambda name: letters(name, _tongyong) if len(name) < 5 else "",
        "Hokkien surname": hokkien,
        "homophone": homophone,
        "one wrong": slip,
        "maiden name": lambda name: name[1:] if len(name) == 4 else "",
    }


def questions(listed: list[str]) -> dict[str, list[tuple[str, frozenset[int]]]]:
    """Per way, questions with the places of every name that is written so."""
    chance = random.Random(SEED + 1)
    found = {}
    for way, ask in ways().items():
        asked = dict.fromkeys(filter(None, map(ask, chance.choices(listed, k=QUESTIONS * 150))))
        chosen = list(asked)[:QUESTIONS]
        right: dict[str, set[int]] = {one: set() for one in chosen}
        texts: dict[str, str] = {}
        for place, name in enumerate(listed):
            text = texts.get(name)
            if text is None:
                text = texts[name] = ask(name)
            if text in right:
                right[text].add(place)
        found[way] = [(one, frozenset(right[one])) for one in chosen]
    return found


def judged(found: list[list[int]], asked: list[tuple[str, frozenset[int]]]) -> dict[str, float]:
    rows = [(got, right) for got, (_, right) in zip(found, asked, strict=False)]
    within = [len(right & set(got[: min(MOST, len(right))])) / min(MOST, len(right)) for got, right in rows]
    return {
        "recall": statistics.mean(bool(right & set(got)) for got, right in rows),
        "first": statistics.mean(bool(got) and got[0] in right for got, right in rows),
        "precision": statistics.mean(within),
    }


def timed(find: Callable[[str], list[int]], asked: list[tuple[str, frozenset[int]]]) -> dict[str, float]:
    found, times = [], []
    for text, _ in asked:
        started = time.process_time()
        found.append(find(text))
        times.append((time.process_time() - started) * 1e6)
    return {**judged(found, asked), "us": statistics.median(times), "us_p99": sorted(times)[int(len(times) * 0.99)]}


def rapidfuzz(listed: list[str], asked: list[tuple[str, frozenset[int]]], folder: Path) -> dict[str, float]:
    (folder / "names.json").write_text(json.dumps(listed), "utf-8")
    (folder / "asked.json").write_text(json.dumps([text for text, _ in asked]), "utf-8")
    command = [
        ROOT / ".venv-peers/bin/python",
        ROOT / "bench/_casualties_peers.py",
        folder / "names.json",
        folder / "asked.json",
    ]
    done = subprocess.run([str(one) for one in command], check=True, capture_output=True, text=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {**judged([found for _, found in rows], asked), "us": statistics.median(us for us, _ in rows)}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--ours", action="store_true", help="without the peers")
    options = parser.parse_args()
    listed = names(QUICK_NAMES if options.quick else NAMES)
    started = time.process_time()
    index = build(listed)
    built = time.process_time() - started
    read = [letters(name, lambda *part: "".join(part).replace("v", "u")).replace("-", " ") for name in listed]
    finder = None if options.ours else PersonFinder(listed, read)
    peers = PEER_QUESTIONS // 3 if options.quick else PEER_QUESTIONS
    results: dict[str, dict[str, dict[str, float]]] = {}
    print(f"{len(listed):,} names; index built in {built:.1f} s")
    print(f"{'written':16}{'':14}{'recall':>8}{'first':>8}{'precision':>10}{'us':>12}")
    with tempfile.TemporaryDirectory(prefix="bench-casualties-") as folder:
        for way, asked in questions(listed).items():
            is_square = "\u3400" <= asked[0][0][0] <= "\u9fff"
            rows = {"ours": timed(lambda text: [one.place for one in index.find(text, MOST)], asked)}
            if finder is not None:
                rows["Person Finder"] = timed(finder.find, asked)
                rows["rapidfuzz"] = rapidfuzz(listed if is_square else read, asked[:peers], Path(folder))
            results[way] = rows
            for who, row in rows.items():
                print(
                    f"{way:16}{who:14}{row['recall']:8.3f}{row['first']:8.3f}{row['precision']:10.3f}{row['us']:12,.0f}",
                    flush=True,
                )
    if options.json:
        print(json.dumps({"names": len(listed), "build_s": built, "ways": results}))


if __name__ == "__main__":
    sys.exit(main())
