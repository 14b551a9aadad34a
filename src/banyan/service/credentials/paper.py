"""A download on paper: A4 pages whose Chinese text can be selected, searched and read aloud, with the font inside.

Making one loads a font of 6 MB, three seconds of Python that would hold up the event loop: so it runs as a process of
its own (`python -m banyan.service.credentials.paper`, JSON in, PDF out), few at once and bounded in time.
Source: ISO 32000-1 s9.7 (embedded CID fonts), s14.9.2 (language).
"""

from __future__ import annotations

import asyncio
import sys
from importlib.resources import files
from typing import Final

import msgspec

from banyan.errors import Unavailable
from banyan.limits_mydata import PAPER_AT_ONCE, PAPER_S

FONT: Final = "noto"
INK, GREY = 20, 90
_turns: Final = asyncio.Semaphore(PAPER_AT_ONCE)


class Paper(msgspec.Struct, frozen=True):
    """What stands on it: a title, sentences above the table, its rows (label, value), and small print below."""

    lang: str
    title: str
    lead: tuple[str, ...]
    head: tuple[str, str]
    rows: tuple[tuple[str, str], ...]
    foot: tuple[str, ...]
    missing: str
    """What is said in place of a character that the font lacks; `{code}` is its code point."""


async def printed(paper: Paper) -> bytes:
    """The PDF. Raises Unavailable when it could not be made in time."""
    async with _turns:
        command = (sys.executable, "-m", "banyan.service.credentials.paper")
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec(
            *command, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.DEVNULL
        )
        try:
            async with asyncio.timeout(PAPER_S):
                made, _ = await process.communicate(msgspec.json.encode(paper))
        except TimeoutError:
            made = b""
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
    if process.returncode != 0 or not made.startswith(b"%PDF"):
        raise Unavailable("the PDF could not be made", remedy="take the JSON or CSV file, or try again")
    return made


def draw(paper: Paper) -> bytes:
    """The PDF of what stands on it. A character the font lacks is said by its code, never dropped in silence."""
    # Here, not above: a node only starts the process that draws, and this took a fifth of the node's own start.
    from fpdf import FPDF
    from fpdf.enums import TableBordersLayout
    from fpdf.fonts import FontFace

    pdf = FPDF(format="A4")
    pdf.add_font(FONT, fname=str(files("pylopdf_fonts_zh_tw").joinpath("NotoSansTC-Regular.otf")))
    known = pdf.fonts[FONT].cmap  # type: ignore[union-attr]

    def said(text: str) -> str:
        return "".join(
            one if one.isspace() or ord(one) in known else paper.missing.format(code=f"U+{ord(one):04X}")
            for one in text
        )

    pdf.set_lang("zh-Hant-TW" if paper.lang != "en" else "en")
    pdf.set_title(paper.title)
    pdf.set_margins(20, 20)
    pdf.set_auto_page_break(True, margin=20)
    pdf.add_page()
    pdf.set_text_color(INK)
    pdf.set_font(FONT, size=20)
    pdf.multi_cell(0, 11, said(paper.title), new_x="LMARGIN", new_y="NEXT")
    pdf.set_font(FONT, size=11)
    for line in paper.lead:
        pdf.multi_cell(0, 6.5, said(line), new_x="LMARGIN", new_y="NEXT")
    pdf.ln(4)
    with pdf.table(
        col_widths=(1, 2),
        line_height=7.5,
        padding=1.5,
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        headings_style=FontFace(fill_color=(238, 242, 238)),
        text_align="LEFT",
    ) as table:
        for row in (paper.head, *paper.rows):
            drawn = table.row()
            for cell in row:
                drawn.cell(said(cell))
    pdf.ln(5)
    pdf.set_font(FONT, size=9)
    pdf.set_text_color(GREY)
    for line in paper.foot:
        pdf.multi_cell(0, 5.5, said(line), new_x="LMARGIN", new_y="NEXT")
    return bytes(pdf.output())


if __name__ == "__main__":
    sys.stdout.buffer.write(draw(msgspec.json.decode(sys.stdin.buffer.read(), type=Paper)))
