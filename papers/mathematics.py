r"""Mathematics: the TeX that a formula may use, and nothing else.

A formula is tokenised and let through only when every command is on the list, braces, `\left…\right` and environments
match, and nothing can change how later characters are read. All that is left out moves, hides, colours, defines, reads
or writes. A refused formula is printed as the code it is, so nothing is lost and nothing runs.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from papers import characters

LETTERS = """
alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi varpi rho varrho sigma
varsigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega ell hbar imath
jmath Re Im partial nabla infty emptyset varnothing forall exists neg top bot prime square checkmark star
"""
OPERATORS = """
sum prod coprod int iint oint bigcup bigcap bigvee bigwedge bigoplus bigotimes min max argmin argmax inf sup lim liminf
limsup log ln lg exp sin cos tan sinh cosh tanh arcsin arccos arctan det dim ker deg gcd Pr arg hom operatorname
"""
RELATIONS = """
le leq ge geq ll gg ne neq approx sim simeq cong equiv propto in notin ni subset subseteq supset supseteq mid parallel
perp prec preceq succ succeq to rightarrow leftarrow leftrightarrow Rightarrow Leftarrow Leftrightarrow mapsto gets
longrightarrow longleftarrow Longrightarrow iff implies uparrow downarrow models vdash colon triangleq doteq
"""
BINARY = """
pm mp times div cdot circ ast oplus otimes odot cup cap setminus wedge vee land lor bmod pmod mod bullet
"""
DELIMITERS = """
left middle right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr langle rangle lfloor rfloor lceil rceil lVert rVert
lvert rvert Vert vert lbrace rbrace lbrack rbrack
"""
SHAPES = """
frac dfrac tfrac binom sqrt hat widehat bar overline underline tilde widetilde vec dot ddot check breve acute grave
mathring overbrace underbrace stackrel overset underset mathrm mathbf mathit mathsf mathtt mathcal mathbb mathfrak
boldsymbol text textrm textit textbf begin end limits nolimits displaystyle textstyle substack not
"""
SPACES = "quad qquad dots ldots cdots vdots ddots"

COMMANDS = frozenset(f"{LETTERS} {OPERATORS} {RELATIONS} {BINARY} {DELIMITERS} {SHAPES} {SPACES}".split())
SYMBOLS = frozenset("\\,;:! {}|%&#_$")
"""What may follow a lone backslash."""
ENVIRONMENTS = frozenset(("aligned", "cases", "matrix", "pmatrix", "bmatrix", "vmatrix", "gathered", "smallmatrix"))

TOKEN = re.compile(r"\\(?P<word>[A-Za-z]+)|\\(?P<symbol>.)|(?P<other>.)", re.DOTALL)
GROUP = re.compile(r"\s*\{(\w+)\}")
DEEPEST = 20
LONGEST = 3_000


@dataclass(frozen=True)
class Formula:
    tex: str
    """Safe inside mathematics; empty when there are faults."""
    faults: tuple[str, ...]


def formula(source: str, *, rows: bool = False) -> Formula:
    """Let through what the list allows, with other alphabets' symbols written as commands; `rows` when displayed."""
    stripped = source.strip()
    found = [*_shape(stripped), *_tokens(stripped)]
    if not rows and _has_rows(stripped):
        found.append("& and \\\\ stand outside an environment, which only a displayed equation may have")
    faults = tuple(dict.fromkeys(found))
    return Formula("" if faults else "".join(map(_printed, TOKEN.finditer(stripped))), faults)


def inline(source: str) -> str:
    """Give the TeX of `$…$`."""
    read = formula(source)
    return rf"\code{{{characters.escape_code(source)}}}" if read.faults else rf"\({read.tex}\)"


def displayed(source: str) -> str:
    """Give the body of a displayed equation; rows are aligned where the source has several."""
    read = formula(source, rows=True)
    if read.faults:
        return rf"\text{{\code{{{characters.escape_code(source)}}}}}"
    return rf"\begin{{aligned}}{read.tex}\end{{aligned}}" if _has_rows(source) else read.tex


def _has_rows(source: str) -> bool:
    """Tell whether rows or columns stand outside every environment."""
    outside = re.sub(r"\\begin\s*\{(\w+)\}.*?\\end\s*\{\1\}", "", source, flags=re.DOTALL)
    return any(token.group() in {"&", r"\\"} for token in TOKEN.finditer(outside))


def _printed(token: re.Match[str]) -> str:
    text = token.group()
    if text == r"\\":
        return r"\\{}"
    if token["word"]:
        return f"{text} "
    symbol = characters.mathematical(text)
    return f"{symbol} " if symbol else text


def _tokens(source: str) -> list[str]:
    """Name each token that may not stand in a formula."""
    found = []
    for token in TOKEN.finditer(source):
        word, symbol, other = token.group("word", "symbol", "other")
        if word and word not in COMMANDS:
            found.append(f"the TeX command \\{word} is not among those a formula may use")
        elif symbol and symbol not in SYMBOLS:
            found.append(f"the TeX command \\{symbol} is not among those a formula may use")
        elif other and not _allowed(other):
            found.append(f"the character {other!r} has no place in a formula")
    return found


def _allowed(c: str) -> bool:
    if c.isascii():
        return c in "\n\t" or (c.isprintable() and c not in "#$%\\")
    return characters.mathematical(c) is not None


def _shape(source: str) -> list[str]:
    """Name what does not match, or is too much."""
    found = []
    if not source:
        found.append("the formula is empty")
    if len(source) > LONGEST:
        found.append(f"the formula has {len(source)} characters, more than {LONGEST}")
    if re.search(r"\^\s*\^|_\s*_", source):
        found.append("two scripts stand one after the other")
    if re.search(r"\\\\\s*[\[*]", source):
        found.append("a row ends with spacing of its own")
    return found + _nesting(source)


def _nesting(source: str) -> list[str]:
    r"""Follow braces, environments and `\left…\right`: each must close what was opened last."""
    stack: list[str] = []
    deepest = 0
    for token in TOKEN.finditer(source):
        text, word = token.group(), token["word"]
        if word in {"begin", "end"}:
            named = GROUP.match(source, token.end())
            if named is None or named[1] not in ENVIRONMENTS:
                return [f"\\{word} is not followed by one of {', '.join(sorted(ENVIRONMENTS))}"]
            text = named[1]
        if text == "{" or word in {"left", "begin"}:
            stack.append({"{": "}", r"\left": r"\right"}.get(text, text))
        elif (text == "}" or word in {"right", "end"}) and (not stack or stack.pop() != text):
            return [f"{token.group()} closes what is not open"]
        deepest = max(deepest, len(stack))
    if stack:
        return [f"{stack[-1]} is missing"]
    return [f"the formula nests {deepest} deep, more than {DEEPEST}"] if deepest > DEEPEST else []
