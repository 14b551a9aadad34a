"""Folding text for search: what a reader takes as the same becomes the same characters. Display keeps the original.

NFKC and case folding; 臺/台 and other variant glyphs; spaces beside Chinese characters vanish (YouBike 站 = YouBike站);
hyphens inside Latin words vanish (COVID-19 = COVID19); all other punctuation separates and becomes one space, except a
point between digits or letters (PM2.5).
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# Groups of glyphs of one character; the first stands for all. Source: 教育部異體字字典 (Ministry of Education), those
# met in real titles, road and village names, and keyboards that yield a Japanese or printed form. Distinct words that
# other regions merge (后/後, 里/裡, 干/乾) are kept apart.
_GROUPS: Final = (
    "台臺 裡裏 峰峯 眾衆 群羣 為爲 線綫 溫温 市巿 戶户戸 即卽 青靑 教敎 床牀 恆恒 雞鷄鶏 貓猫 匯滙 產産 腳脚 "
    "強强 鄰隣 麵麪 污汙汚 啟啓 偽僞 說説 稅税 閱閲 悅悦 脫脱 銳鋭 鎮鎭 真眞 慎愼 黃黄 橫横 廁厠 廈厦 廚厨 "
    "涼凉 減减 況况 決决 沖冲 淨净凈浄 冊册 劍劒 廠厰 回囘囬 牆墻墙 姊姉 峽峡 島嶋 歲歳 彙彚 戲戯戱 插挿揷 "
    "敘叙敍 查査 概槪 步歩 每毎 沒没 淚泪 渴渇 潛潜濳 災灾 煙烟 略畧 盜盗 穩穏 窗窓窻 灶竈 並竝 筍笋 粽糉 綠緑 "
    "繡綉 緒緖 舖鋪 豔艷艶 蘊藴 衛衞 詠咏 跡迹蹟 軟輭 迴廻 村邨 鄉郷鄊 鐵鉄 鑽鑚 鬧閙 關関 鬥鬪鬦 址阯 隱隠 "
    "靜静 顏顔 翻飜 餅餠 驗験 高髙 鹼碱 麴麯麹 著着 豬猪 岩巖巌 涌湧 灣湾 秘祕 棋碁 吃喫 兔兎 館舘 鵝鵞 濕溼 "
    "糧粮 晉晋 羡羨 踴踊 鍾锺 嶽岳 杯盃 韮韭 蔥葱 糖餹 樑梁 閒閑 燻熏 柏栢 喧諠 掛挂 晒曬 託托 週周 佈布 佔占 "
    "鑑鑒鍳 一ㄧ 龜龟亀 體体 號号 畫画 國国 學学 會会 區区 縣県县 廣広 處処 點点 醫医 藥薬 氣気 鹽塩 圖図 檔档 "
    "專専 廳庁 萬万 與与 寶宝 雙双 聲声 數数 舊旧 禮礼 條条 樓楼 蘆芦 蘭兰 澤沢 濱浜 瀨瀬 邊辺邉 櫻桜 獸獣 "
    "壓圧 營営 險険 應応 歡歓 權権 觀観 讀読 賣売"
)
_VARIANTS: Final = {ord(glyph): group[0] for group in _GROUPS.split() for glyph in group[1:]}
_HYPHENS: Final = re.compile(r"(?<=[0-9a-z])[-\u2010-\u2015\u00ad](?=[0-9a-z])")
# Text: letters and digits, combining marks of Latin and Thai, private-use characters (CNS names). The rest separates.
_SEPARATOR: Final = re.compile(
    r"((?<=[0-9a-z])\.(?=[0-9a-z]))|[^\w\u0300-\u036f\u0e30-\u0e4e\ue000-\uf8ff\U000f0000-\U0010fffd]|_"
)
_WIDE: Final = r"[\u2e80-\ua4cf\ue000-\ufaff\U00020000-\U0010fffd]"
_IDLE_SPACE: Final = re.compile(rf"(?<={_WIDE})[ \t]+|[ \t]+(?={_WIDE})")


def fold(text: str) -> str:
    """The search form of `text`: folded words and characters, single spaces where something separates them."""
    # Again after case folding, which takes some letters (ΰ, ǰ) apart.
    plain = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold()).translate(_VARIANTS)
    if plain.isalnum():
        return plain
    plain = _HYPHENS.sub("", _IDLE_SPACE.sub("", plain))
    return " ".join(_SEPARATOR.sub(lambda match: "." if match.group(1) else " ", plain).split())
