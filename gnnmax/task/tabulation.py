"""Tables for terminals and for notebooks."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from gnnmax.errors import InputError
from gnnmax.task.terminal import visible

if TYPE_CHECKING:
    import pandas
    from rich.console import Group
    from rich.table import Table

__all__ = [
    "Shown",
    "TableText",
    "data_frame",
    "html_table",
    "interval_text",
    "latex_table",
    "number_text",
    "percent_text",
    "rich_table",
]


def number_text(value: float | None) -> str:
    """Write a number, or nothing where it does not exist.

    Example:
        >>> number_text(0.5), number_text(None)
        ('0.5000', '')
    """
    return "" if value is None else f"{value:.4f}"


def interval_text(interval: tuple[float, float] | None) -> str:
    """Write an interval, or nothing where there is none.

    Example:
        >>> interval_text((0.25, 1.0))
        '[0.2500, 1.0000]'
    """
    return "" if interval is None else f"[{interval[0]:.4f}, {interval[1]:.4f}]"


def percent_text(share: float | None) -> str:
    """Write a share in per cent, or nothing where it does not exist.

    Example:
        >>> percent_text(0.5), percent_text(None)
        ('50.0 %', '')
    """
    return "" if share is None else f"{100 * share:.1f} %"


def rich_table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]], notes: Iterable[str] = ()) -> Table:
    """Lay rows out for a terminal, the first column to the left, notes below.

    Example:
        >>> rich_table("t", ["name", "value"], [["a", "1"], ["b", "2"]]).row_count
        2
    """
    from rich.table import Table
    from rich.text import Text

    # Text, not str: a scorer's name may hold square brackets, which rich reads as markup.
    caption = Text(visible("\n".join(notes)))
    table = Table(title=Text(visible(title)), caption=caption if caption else None, caption_justify="left")
    for place, name in enumerate(header):
        table.add_column(Text(visible(name)), justify="right" if place else "left")
    for row in rows:
        table.add_row(*(Text(visible(word)) for word in row))
    return table


def html_table(title: str, header: Sequence[str], rows: Iterable[Sequence[str]], notes: Iterable[str] = ()) -> str:
    """Lay rows out as HTML, every word escaped.

    Example:
        >>> html_table("t", ["name"], [["<b>"]])
        '<table><caption>t</caption><thead><tr><th>name</th></tr></thead><tbody><tr><td>&lt;b&gt;</td></tr></tbody></table>'
    """

    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(cell)}</{tag}>" for cell in cells) + "</tr>"

    head, body = line(header, "th"), "".join(line(row, "td") for row in rows)
    below = "".join(f"<p>{html.escape(note)}</p>" for note in notes)
    return f"<table><caption>{html.escape(title)}</caption><thead>{head}</thead><tbody>{body}</tbody></table>{below}"


def latex_table(header: Sequence[str], rows: Iterable[Sequence[str]], notes: Iterable[str] = ()) -> str:
    r"""Lay rows out as LaTeX for the package booktabs, every word escaped, notes as comments above.

    Example:
        >>> print(latex_table(["net", "right"], [["a_b", "50 %"]], ["t"]))
        % t
        \begin{tabular}{lr}
        \toprule
        net & right \\
        \midrule
        a\_b & 50 \% \\
        \bottomrule
        \end{tabular}
    """
    comments = [f"% {visible(note)}" for note in notes]
    body = [" & ".join(map(_latex, row)) + r" \\" for row in rows]
    first = " & ".join(map(_latex, header)) + r" \\"
    columns = "l" + "r" * (len(header) - 1)
    return "\n".join(
        [
            *comments,
            rf"\begin{{tabular}}{{{columns}}}",
            r"\toprule",
            first,
            r"\midrule",
            *body,
            r"\bottomrule",
            r"\end{tabular}",
        ]
    )


_LATEX = {"\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "[": "{[}", "]": "{]}"}
_LATEX |= {character: f"\\{character}" for character in "&%$#_{}"}


def _latex(cell: str) -> str:
    """Escape every character that LaTeX reads as more than itself."""
    return "".join(_LATEX.get(character, character) for character in visible(cell))


def data_frame(columns: Mapping[str, Any]) -> pandas.DataFrame:
    """Return a data frame of columns by name.

    Raises:
        InputError: pandas is not installed.
    """
    try:
        import pandas
    except ImportError:
        raise InputError("a data frame needs pandas, which is not installed: pip install pandas") from None
    # An empty column of objects has the type of a full one, which holds text.
    typed = {
        name: column if len(column) or np.asarray(column).dtype != np.object_ else pandas.Series(column, dtype=str)
        for name, column in columns.items()
    }
    return pandas.DataFrame(typed)


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """Lay out rows as a Markdown table, the header first.

    Example:
        >>> print(markdown([["a", "b"], ["1", "2"]]))
        | a | b |
        | --- | --- |
        | 1 | 2 |
    """
    header, *body = rows
    return "\n".join(f"| {' | '.join(row)} |" for row in (header, ["---"] * len(header), *body))


class TableText(NamedTuple):
    """A table as text, to be laid out for a terminal or as HTML.

    Attributes:
        title: Shown above.
        header: Names of the columns.
        rows: One text a column.
        notes: Lines below.
    """

    title: str
    header: Sequence[str]
    rows: Sequence[Sequence[str]]
    notes: Sequence[str] = ()


class Shown:
    """Base of objects that show themselves as tables: in a terminal by rich, in a notebook as HTML.

    Example:
        >>> class Pair(Shown):
        ...     def tables(self):
        ...         return [TableText("pair", ["name"], [["a"], ["b"]])]
        >>> Pair()._repr_html_().count("<tr>")
        3
    """

    __slots__ = ()

    def tables(self) -> list[TableText]:
        """Return the tables that show the object."""
        raise NotImplementedError

    def __rich__(self) -> Group:
        from rich.console import Group

        return Group(*(rich_table(*table) for table in self.tables()))

    def _repr_html_(self) -> str:
        return "".join(html_table(*table) for table in self.tables())
