from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from papers.paper import Equation, Items, Listing, Paragraph
from papers.readme import read

README = """Lead text.

## Background #

First line
goes on. It has `code` and $x$.

$$
a = b
$$

> A remark.

1. one
   and more
2. two

### Detail

Text with a run-in heading.

```python
x = 1
```

| a | b |
|---|---|
| 1 | 2 |

![picture](x.png)
<!-- hidden
## Not a heading
-->

$$c = d$$

## Background
again
"""


def test_a_readme_is_read_block_by_block() -> None:
    blocks = read(README).under("background")
    assert [block.kind for block in blocks] == [
        "paragraph",
        "equation",
        "paragraph",
        "items",
        "paragraph",
        "listing",
        "equation",
    ]
    first, shown, remark, items, detail, code, last = blocks
    assert isinstance(first, Paragraph)
    assert first.text == "First line goes on. It has `code` and $x$."
    assert isinstance(shown, Equation)
    assert shown.tex == "a = b"
    assert isinstance(remark, Paragraph)
    assert remark.text == "A remark."
    assert isinstance(items, Items)
    assert items.items == ("one and more", "two")
    assert isinstance(detail, Paragraph)
    assert detail.heading == "Detail"
    assert isinstance(code, Listing)
    assert (code.code, code.language) == ("x = 1", "python")
    assert isinstance(last, Equation)
    assert last.tex == "c = d"


def test_the_first_heading_that_a_readme_has_is_taken() -> None:
    readme = read("## Method\n\nA.\n\n## Baseline\n\nB.")
    assert [
        block.text for block in readme.under("The method", "Method", "Baseline") if isinstance(block, Paragraph)
    ] == ["A."]
    assert readme.under("Results") == ()


def test_mathematics_that_cannot_be_printed_is_shown_as_code() -> None:
    blocks = read("## Background\n\nWith $\\input{x}$ and $y$.\n\n$$\\write18{ls}$$").under("Background")
    assert [block.text for block in blocks if isinstance(block, Paragraph)] == [
        "With `\\input{x}` and $y$.",
        "`\\write18{ls}`",
    ]


def test_a_sentence_around_mathematics_that_cannot_be_printed_stays_one_sentence() -> None:
    blocks = read("## Background\n\nThe step solves\n\n$$\\write18{ls}$$\n\ngreedily. Then it stops.").under(
        "Background"
    )
    assert [block.text for block in blocks if isinstance(block, Paragraph)] == [
        "The step solves `\\write18{ls}` greedily. Then it stops."
    ]


def test_a_heading_ends_a_sentence_around_mathematics() -> None:
    readme = read("## Background\n\nThe step solves\n\n$$\\write18{ls}$$\n\n## Method\n\nlower case text")
    assert [block.text for block in readme.under("Method") if isinstance(block, Paragraph)] == ["lower case text"]


def test_a_paragraph_that_announces_a_table_loses_the_announcement_with_it() -> None:
    table = "| a | b |\n|---|---|\n| 1 | 2 |"
    blocks = read(f"## Background\n\nIt works. These are the means:\n\n{table}\n\nOne more:\n\n{table}\n").under(
        "Background"
    )
    assert [block.text for block in blocks if isinstance(block, Paragraph)] == ["It works.", "One more."]


def test_a_paragraph_that_announces_a_list_keeps_its_announcement() -> None:
    blocks = read("## Background\n\nThese are the parts:\n\n- one\n- two\n").under("Background")
    assert isinstance(blocks[0], Paragraph)
    assert blocks[0].text == "These are the parts:"


def test_constants_are_counted_over_the_whole_readme() -> None:
    readme = read("With 3 parts.\n\n## Background\n\n- 4 of 5\n\n$$x = 6$$\n\nand 7")
    assert [(constant.key, constant.value) for constant in readme.constants] == [
        ("background.1", 3.0),
        ("background.2", 4.0),
        ("background.3", 5.0),
        ("background.4", 6.0),
        ("background.5", 7.0),
    ]


@given(
    st.lists(
        st.sampled_from(["# a", "## b", "```", "$$", "- x", "text 1", "", "| t |", "$$ x $$", "  y", ">", "$"]),
        max_size=15,
    )
)
def test_odd_markdown_gives_no_empty_block(lines: list[str]) -> None:
    for part in read("\n".join(lines)).parts:
        for block in part.blocks:
            match block:
                case Paragraph(text=text) | Equation(tex=text):
                    assert text
                case Items(items=items):
                    assert items
