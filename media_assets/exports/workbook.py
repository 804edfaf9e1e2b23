"""The few files of an XLSX workbook that are the same for every table (ECMA-376, part 1)."""

from collections.abc import Iterator, Sequence
from xml.sax.saxutils import quoteattr

XML = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
TYPES = "application/vnd.openxmlformats-officedocument.spreadsheetml"
# Cell formats by their place in `STYLES`. A text cell stays one when somebody edits it.
TEXT, INSTANT, HEAD = 1, 2, 3
STYLES = (
    f'{XML}<styleSheet xmlns="{MAIN}">'
    '<numFmts count="1"><numFmt numFmtId="164" formatCode="yyyy\\-mm\\-dd hh:mm:ss"/></numFmts>'
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/><family val="2"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    '<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>'
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="4"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="49" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="164" fontId="0" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"/>'
    '<xf numFmtId="49" fontId="1" fillId="0" borderId="0" xfId="0" applyNumberFormat="1"'
    ' applyFont="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles>'
    "</styleSheet>"
)


def sheet_name(number: int) -> str:
    """Where a sheet stands in the archive; they are counted from 1."""
    return f"xl/worksheets/sheet{number}.xml"


def frame(titles: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Name and content of everything but the sheets, which have these titles."""
    numbers = range(1, len(titles) + 1)
    yield (
        "[Content_Types].xml",
        f'{XML}<Types xmlns="{PACKAGE}/content-types"><Default Extension="rels"'
        ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Default Extension="xml" ContentType="application/xml"/>'
        + _type("xl/workbook.xml", "sheet.main")
        + _type("xl/styles.xml", "styles")
        + "".join(_type(sheet_name(number), "worksheet") for number in numbers)
        + "</Types>",
    )
    yield "_rels/.rels", _relations(["officeDocument xl/workbook.xml"])
    sheets = [f"worksheet worksheets/sheet{number}.xml" for number in numbers]
    yield "xl/_rels/workbook.xml.rels", _relations([*sheets, "styles styles.xml"])
    yield (
        "xl/workbook.xml",
        f'{XML}<workbook xmlns="{MAIN}" xmlns:r="{OFFICE}"><sheets>'
        + "".join(
            f'<sheet name={quoteattr(title)} sheetId="{number}" r:id="rId{number}"/>'
            for number, title in zip(numbers, titles, strict=True)
        )
        + "</sheets></workbook>",
    )
    yield "xl/styles.xml", STYLES


def _type(name: str, kind: str) -> str:
    return f'<Override PartName="/{name}" ContentType="{TYPES}.{kind}+xml"/>'


def _relations(targets: Sequence[str]) -> str:
    """From `<type> <target>`, numbered from rId1."""
    relations = (
        f'<Relationship Id="rId{number}" Type="{OFFICE}/{kind}" Target="{target}"/>'
        for number, (kind, target) in enumerate((text.split(" ") for text in targets), start=1)
    )
    return (
        f'{XML}<Relationships xmlns="{PACKAGE}/relationships">{"".join(relations)}</Relationships>'
    )
