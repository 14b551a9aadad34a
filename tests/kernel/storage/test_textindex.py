"""Search in Traditional Chinese over 35,633 real titles: nothing lost, nothing false; and the index's life."""

from __future__ import annotations

import gzip
import random
import threading
import unicodedata
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.make import shared_data

from banyan.errors import Invalid, Unavailable
from banyan.kernel.storage.fold import fold
from banyan.kernel.storage.grams import match_query
from banyan.kernel.storage.textindex import Document, TextIndex
from banyan.limits import QUERY_CHARACTERS, QUERY_TERMS

# Fifteen questions of the public, and the hard kinds: one character, two, mixed Latin, a number, part of a Latin word.
QUERIES = tuple(
    "人口 公車 空氣品質 台北 臺北市 預算 水質 停車場 農藥 交通事故 登革熱 的 路 PM2.5 youbike YouBike UBIKE "  # noqa: SIM905
    "GIS A1 105年 1 ＰＭ２．５ 犯罪 學校 老人福利 里 紅十字會 ubik 2.5".split()
)


@pytest.fixture(scope="module")
def titles() -> list[str]:
    path = shared_data("opendata/catalog/datagovtw_titles_2018.txt.gz")
    return [title for title in gzip.open(path, "rt", encoding="utf-8").read().split("\n") if title]


@pytest.fixture(scope="module")
def national(titles: list[str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[TextIndex]:
    index = TextIndex(tmp_path_factory.mktemp("index") / "index.db")
    index.put_many(Document(str(n), {"title": title}) for n, title in enumerate(titles))
    yield index
    index.close()


def found(index: TextIndex, query: str) -> set[int]:
    return {int(hit.id) for hit in index.search(query)}


class TestNationalTitles:
    def test_recall_and_precision_are_1_against_plain_substring(self, national: TextIndex, titles: list[str]) -> None:
        """The judge folds on its own: NFKC, lower case, 臺 = 台, nothing else."""

        def plain(text: str) -> str:
            return unicodedata.normalize("NFKC", text).lower().replace("臺", "台")

        assert len(titles) == 35_633
        judged = [plain(title) for title in titles]
        for query in QUERIES:
            truth = {n for n, title in enumerate(judged) if plain(query) in title}
            assert found(national, query) == truth, query
            assert national.count(query) == len(truth)

    def test_every_one_character_query(self, national: TextIndex, titles: list[str]) -> None:
        check(national, ngrams(titles, 1))

    def test_two_character_queries(self, national: TextIndex, titles: list[str]) -> None:
        truth = ngrams(titles, 2)
        chosen = random.Random(20261123).sample(sorted(truth), 4_000)
        check(national, {pair: truth[pair] for pair in chosen})

    @pytest.mark.slow
    def test_every_two_and_three_character_query(self, national: TextIndex, titles: list[str]) -> None:
        check(national, ngrams(titles, 2))
        check(national, ngrams(titles, 3))

    def test_whole_titles_find_themselves_first_or_their_twins(self, national: TextIndex, titles: list[str]) -> None:
        for n in random.Random(7).sample(range(len(titles)), 300):
            query = titles[n].replace('"', " ")[:QUERY_CHARACTERS]
            assert n in found(national, query), query

    def test_several_words_must_all_be_there(self, national: TextIndex, titles: list[str]) -> None:
        both = found(national, "高雄 公車")
        assert both == {n for n, title in enumerate(titles) if "高雄" in title and "公車" in title}
        assert both

    def test_the_page_is_cut_from_the_same_order(self, national: TextIndex) -> None:
        ranked = [hit.id for hit in national.search("公車")]
        pages = [hit.id for start in range(0, 100, 10) for hit in national.search("公車", limit=10, offset=start)]
        assert pages == ranked

    def test_a_word_that_starts_with_the_query_comes_before_one_that_holds_it(self, tmp_path: Path) -> None:
        index = TextIndex(tmp_path / "index.db")
        for n, title in enumerate(["biotech report", "IoT sensors", "idiot proof", "Smart IoT"]):
            index.put(str(n), {"title": title})
        assert [hit.id for hit in index.search("iot")][:2] in (["1", "3"], ["3", "1"])
        assert len(index.search("iot")) == 4
        index.close()


def ngrams(titles: list[str], size: int) -> dict[str, set[int]]:
    truth: dict[str, set[int]] = defaultdict(set)
    for n, title in enumerate(titles):
        folded = fold(title)
        for start in range(len(folded) - size + 1):
            gram = folded[start : start + size]
            if " " not in gram and not gram.startswith(".") and not gram.endswith("."):
                truth[gram].add(n)
    return truth


def check(index: TextIndex, truth: dict[str, set[int]]) -> None:
    wrong = {query: len(expected ^ found(index, query)) for query, expected in truth.items()}
    assert not [query for query, count in wrong.items() if count]


class TestFolding:
    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            ("臺北市", "台北市"),
            ("峯", "峰"),
            ("公館裏", "公館裡"),
            ("羣衆", "群眾"),
            ("ＹｏｕＢｉｋｅ　２．０", "youbike 2.0"),
            ("YouBike 站點", "youbike站點"),
            ("ＰＭ２．５", "pm2.5"),
            ("COVID-19", "covid19"),
            ("ㄧ般", "一般"),
            ("一百一十五年度（修正）預算、決算", "一百一十五年度 修正 預算 決算"),
            ("㎡", "m2"),
            ("Straße", "strasse"),
            ("  a   b ", "a b"),
            ("桃園巿", "桃園市"),
            ("福德\U000fffa8里", "福德\U000fffa8里"),
            ("石𥕢里", "石𥕢里"),
        ],
    )
    def test_what_a_reader_takes_as_the_same_is_the_same(self, written: str, meant: str) -> None:
        assert fold(written) == meant

    @given(st.text())
    def test_a_folded_word_folds_to_itself(self, text: str) -> None:
        for word in fold(text).split():
            assert fold(word) == word

    @given(st.text())
    def test_words_are_separated_by_single_spaces(self, text: str) -> None:
        folded = fold(text)
        assert folded == " ".join(folded.split())


WORDS = st.text(alphabet="臺台北市公車車站abAB12.- ，（）é\u0301", min_size=1, max_size=12)


@settings(max_examples=300, deadline=None)
@given(titles=st.lists(WORDS, min_size=1, max_size=8), query=WORDS.filter(lambda text: not text.isspace()))
def test_any_single_word_is_found_where_it_is_a_substring(titles: list[str], query: str) -> None:
    folded = fold(query.replace(" ", ""))
    if not folded or " " in folded or "." in (folded[0], folded[-1]):
        return
    index = TextIndex(Path(":memory:"))
    index.put_many(Document(str(n), {"title": title}) for n, title in enumerate(titles))
    hits = found(index, folded)
    index.close()
    assert hits == {n for n, title in enumerate(titles) if folded in fold(title)}


@pytest.fixture
def index(tmp_path: Path) -> Iterator[TextIndex]:
    opened = TextIndex(tmp_path / "index.db")
    opened.put("a", {"title": "口罩存量", "notes": "藥局每日"}, {"agency": ["nhi"], "format": ["CSV", "JSON"]})
    opened.put("b", {"title": "藥局名冊", "notes": "口罩販售"}, {"agency": ["nhi"], "format": ["CSV"]})
    opened.put("c", {"title": "公車站牌", "notes": ""}, {"agency": ["taipei"], "format": ["JSON"], "tag": ["a", "b"]})
    yield opened
    opened.close()


def ids(index: TextIndex, query: str, **filters: object) -> list[str]:
    return [hit.id for hit in index.search(query, **filters)]


class TestRankingAndFacets:
    def test_a_title_weighs_more_than_a_note(self, index: TextIndex) -> None:
        assert ids(index, "口罩") == ["a", "b"]
        assert ids(index, "藥局") == ["b", "a"]
        assert index.search("口罩")[0].score > index.search("口罩")[1].score > 0

    def test_without_a_query_all_in_the_order_they_came(self, index: TextIndex) -> None:
        assert ids(index, "") == ids(index, "  ") == ["a", "b", "c"]
        assert index.search("", limit=1, offset=1)[0].id == "b"

    def test_only_punctuation_finds_nothing(self, index: TextIndex) -> None:
        assert ids(index, "！！") == []
        assert index.count("（）") == 0

    def test_filters(self, index: TextIndex) -> None:
        assert ids(index, "", where={"agency": ["nhi"]}) == ["a", "b"]
        assert ids(index, "", where={"agency": ["nhi"], "format": ["JSON"]}) == ["a"]
        assert ids(index, "", where={"format": ["JSON", "CSV"]}) == ["a", "b", "c"]
        assert ids(index, "", every={"format": ["JSON", "CSV"]}) == ["a"]
        assert ids(index, "藥局", where={"format": ["JSON"]}) == ["a"]
        assert ids(index, "", where={"agency": ["none"]}) == ids(index, "", where={"unknown": ["x"]}) == []
        assert index.count("口罩", where={"agency": ["nhi"]}) == 2

    def test_facet_counts_follow_query_and_filter(self, index: TextIndex) -> None:
        assert index.facets("", ["agency", "format", "tag", "nothing"]) == {
            "agency": [("nhi", 2), ("taipei", 1)],
            "format": [("CSV", 2), ("JSON", 2)],
            "tag": [("a", 1), ("b", 1)],
            "nothing": [],
        }
        assert index.facets("藥局", ["format"], where={"format": ["JSON"]}) == {"format": [("CSV", 1), ("JSON", 1)]}

    def test_quotes_keep_words_together(self, index: TextIndex) -> None:
        index.put("d", {"title": "air quality index"})
        index.put("e", {"title": "quality of air"})
        assert sorted(ids(index, "air quality")) == ["d", "e"]
        assert ids(index, '"air quality"') == ["d"]
        assert ids(index, '"air quality') == ["d"]

    def test_queries_have_bounds(self) -> None:
        for query in ("字" * (QUERY_CHARACTERS + 1), " ".join(map(str, range(QUERY_TERMS + 1)))):
            with pytest.raises(Invalid):
                match_query(query)

    @given(st.text(max_size=60))
    def test_no_text_is_a_syntax_error(self, query: str) -> None:
        index = TextIndex(Path(":memory:"))
        index.put("x", {"title": query})
        index.search(query)
        assert index.count("") == 1
        index.close()


class TestLife:
    def test_replacing_and_removing(self, index: TextIndex) -> None:
        index.put("a", {"title": "酒精存量"}, {"agency": ["fda"]})
        assert ids(index, "口罩") == ["b"]
        assert ids(index, "酒精") == ["a"]
        assert index.facets("", ["agency"])["agency"] == [("fda", 1), ("nhi", 1), ("taipei", 1)]
        index.remove("a")
        index.remove("a")
        assert ids(index, "酒精") == []
        assert len(index) == index.count("") == 2

    def test_it_is_there_after_opening_again(self, index: TextIndex, tmp_path: Path) -> None:
        index.remove("b")
        index.follow(42)
        index.close()
        again = TextIndex(tmp_path / "index.db")
        assert ids(again, "藥局") == ["a"]
        assert again.facets("", ["agency"])["agency"] == [("nhi", 1), ("taipei", 1)]
        assert again.followed == 42
        again.put("d", {"title": "新"})
        assert ids(again, "") == ["a", "c", "d"]
        again.close()

    @pytest.mark.parametrize("damage", [None, b"", b"not a database" * 1000])
    def test_a_lost_or_damaged_file_is_made_anew(self, index: TextIndex, tmp_path: Path, damage: bytes | None) -> None:
        index.follow(42)
        index.close()
        path = tmp_path / "index.db"
        path.unlink()
        if damage is not None:
            path.write_bytes(damage)
        again = TextIndex(path)
        assert (len(again), again.followed) == (0, 0), "its owner sees that it must be built"
        again.put("a", {"title": "口罩"})
        assert ids(again, "口罩") == ["a"]
        again.close()

    def test_a_file_that_rotted_is_told_or_made_anew_and_never_believed(self, tmp_path: Path) -> None:
        path = tmp_path / "index.db"
        index = TextIndex(path)
        index.put_many(Document(str(n), {"title": f"藥局{n}號 公車站牌 {n * 7919}"}) for n in range(3_000))
        index.follow(7)
        index.close()
        sound = path.read_bytes()
        chance = random.Random(5)
        for _ in range(10):
            rotten = bytearray(sound)
            for _ in range(6):
                start = chance.randrange(4096, len(rotten) - 4096)
                rotten[start : start + 2048] = chance.randbytes(2048)
            path.write_bytes(rotten)
            index = TextIndex(path)
            try:
                count = index.count("公車")
                assert count == 3_000 or index.followed == 0
                index.put("5", {"title": "公車"})
            except Unavailable:
                assert (len(index), index.followed) == (0, 0)
                index.put("5", {"title": "公車"})
            assert "5" in [hit.id for hit in index.search("公車")]
            index.close()

    def test_an_index_of_another_form_is_made_anew(self, index: TextIndex, tmp_path: Path) -> None:
        import apsw

        index.close()
        connection = apsw.Connection(str(tmp_path / "index.db"))
        connection.execute("update meta set value = 0 where key = 'form'")
        connection.close()
        again = TextIndex(tmp_path / "index.db")
        assert (len(again), again.followed) == (0, 0)
        again.close()

    def test_clearing(self, index: TextIndex) -> None:
        index.follow(3)
        index.clear()
        assert (len(index), index.followed, ids(index, "")) == (0, 0, [])

    def test_a_batch_that_fails_leaves_memory_and_file_alike(self, index: TextIndex) -> None:
        with pytest.raises(AttributeError):
            index.put_many([Document("d", {"title": "新"}), None])
        assert ids(index, "新") == []
        assert len(index) == 3
        index.put("d", {"title": "新"})
        assert ids(index, "新") == ["d"]

    def test_many_replacements_do_not_grow_the_facets_for_ever(self, index: TextIndex) -> None:
        index.put_many(Document("a", {"title": f"口罩{n}"}, {"agency": ["nhi"]}) for n in range(3_000))
        assert index._facets.dead <= 1_003
        assert index.facets("", ["agency"])["agency"] == [("nhi", 2), ("taipei", 1)]

    def test_searches_go_on_while_another_thread_builds(self, index: TextIndex) -> None:
        documents = [Document(f"x{n}", {"title": f"藥局{n}"}, {"agency": ["nhi"]}) for n in range(2_000)]
        builder = threading.Thread(target=index.put_many, args=(documents,))
        builder.start()
        counts = [index.count("藥局")]
        while builder.is_alive():
            counts.append(index.count("藥局"))
            assert sum(count for _, count in index.facets("", ["agency"])["agency"]) == len(index) or builder.is_alive()
        builder.join()
        assert counts == sorted(counts)
        assert index.count("藥局") == 2_002
