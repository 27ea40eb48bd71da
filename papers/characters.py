"""Characters: any text in a form that TeX prints and never obeys."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "`": r"\textasciigrave{}",
    "|": r"\textbar{}",
    "<": r"\ensuremath{<}",
    ">": r"\ensuremath{>}",
    "[": "{[}",
    "]": "{]}",
    "*": "{*}",
    "\t": " ",
    "\n": " ",
    "\r": " ",
}
"""Brackets and stars are wrapped because `\\\\` and `\\item` would take them for an argument."""

MATHEMATICAL = {
    "−": "-", "±": r"\pm", "∓": r"\mp", "×": r"\times", "÷": r"\div", "·": r"\cdot", "∘": r"\circ", "⊕": r"\oplus",
    "⊗": r"\otimes", "≤": r"\le", "≥": r"\ge", "≪": r"\ll", "≫": r"\gg", "≠": r"\ne", "≈": r"\approx", "∼": r"\sim",
    "≃": r"\simeq", "≅": r"\cong", "≡": r"\equiv", "∝": r"\propto", "∞": r"\infty", "∈": r"\in", "∉": r"\notin",
    "∋": r"\ni", "⊂": r"\subset", "⊆": r"\subseteq", "⊃": r"\supset", "⊇": r"\supseteq", "∪": r"\cup", "∩": r"\cap",
    "∅": r"\emptyset", "∖": r"\setminus", "∀": r"\forall", "∃": r"\exists", "¬": r"\neg", "∧": r"\wedge", "∨": r"\vee",
    "∑": r"\sum", "∏": r"\prod", "∫": r"\int", "√": r"\surd", "∂": r"\partial", "∇": r"\nabla", "→": r"\rightarrow",
    "←": r"\leftarrow", "↔": r"\leftrightarrow", "⇒": r"\Rightarrow", "⇐": r"\Leftarrow", "⇔": r"\Leftrightarrow",
    "↦": r"\mapsto", "↑": r"\uparrow", "↓": r"\downarrow", "⟶": r"\longrightarrow", "′": r"'", "″": r"''",
    "‖": r"\Vert", "∥": r"\parallel", "⊥": r"\perp", "⟨": r"\langle", "⟩": r"\rangle", "⌊": r"\lfloor",
    "⌋": r"\rfloor", "⌈": r"\lceil", "⌉": r"\rceil", "ℓ": r"\ell", "ℝ": r"\mathbb{R}", "ℕ": r"\mathbb{N}",
    "ℤ": r"\mathbb{Z}", "ℚ": r"\mathbb{Q}", "ℂ": r"\mathbb{C}", "𝔼": r"\mathbb{E}", "ℙ": r"\mathbb{P}", "⋯": r"\cdots",
    "⋮": r"\vdots", "⋱": r"\ddots", "★": r"\star", "∎": r"\square", "✓": r"\checkmark", "✗": r"\times", "†": r"\dagger",
    "‡": r"\ddagger", "µ": r"\mu", "ħ": r"\hbar", "⌀": r"\emptyset", "⊤": r"\top", "∣": r"\mid",
}  # fmt: skip

GREEK = {
    "α": "alpha", "β": "beta", "γ": "gamma", "δ": "delta", "ε": "varepsilon", "ϵ": "epsilon", "ζ": "zeta", "η": "eta",
    "θ": "theta", "ϑ": "vartheta", "ι": "iota", "κ": "kappa", "λ": "lambda", "μ": "mu", "ν": "nu", "ξ": "xi",
    "π": "pi", "ρ": "rho", "σ": "sigma", "ς": "varsigma", "τ": "tau", "υ": "upsilon", "φ": "varphi", "ϕ": "phi",
    "χ": "chi", "ψ": "psi", "ω": "omega", "Γ": "Gamma", "Δ": "Delta", "Θ": "Theta", "Λ": "Lambda", "Ξ": "Xi",
    "Π": "Pi", "Σ": "Sigma", "Υ": "Upsilon", "Φ": "Phi", "Ψ": "Psi", "Ω": "Omega",
}  # fmt: skip

TYPOGRAPHIC = {
    "–": "--", "—": "---", "‐": "-", "‑": "-", "‒": "--", "―": "---", "‘": "`", "’": "'", "‚": r"\quotesinglbase{}",
    "“": "``", "”": "''", "„": r"\quotedblbase{}", "«": r"\guillemotleft{}", "»": r"\guillemotright{}",
    "‹": r"\guilsinglleft{}", "›": r"\guilsinglright{}", "…": r"\dots{}", "•": r"\textbullet{}", "§": r"\S{}",
    "¶": r"\P{}", "©": r"\textcopyright{}", "®": r"\textregistered{}", "™": r"\texttrademark{}",
    "°": r"\textdegree{}", "€": "EUR", "£": r"\pounds{}", "¥": r"\textyen{}", "¡": r"\textexclamdown{}",
    "¿": r"\textquestiondown{}", "\u00a0": "~", "\u2002": r"\enspace{}", "\u2003": r"\quad{}", "\u2009": r"\,",
    "\u202f": r"\,", "½": r"\textonehalf{}", "¼": r"\textonequarter{}", "¾": r"\textthreequarters{}",
    "ª": r"\textordfeminine{}", "º": r"\textordmasculine{}", "\u2028": " ", "\u2029": " ",
}  # fmt: skip

LETTERS = {
    "ß": r"\ss{}", "ø": r"\o{}", "Ø": r"\O{}", "ł": r"\l{}", "Ł": r"\L{}", "æ": r"\ae{}", "Æ": r"\AE{}",
    "œ": r"\oe{}", "Œ": r"\OE{}", "đ": r"\dj{}", "Đ": r"\DJ{}", "ð": r"\dh{}", "Ð": r"\DH{}", "þ": r"\th{}",
    "Þ": r"\TH{}", "ı": r"\i{}", "ŋ": r"\ng{}", "Ŋ": r"\NG{}",
}  # fmt: skip

ACCENTS = {
    "\u0300": "`", "\u0301": "'", "\u0302": "^", "\u0303": "~", "\u0304": "=", "\u0306": "u", "\u0307": ".",
    "\u0308": '"', "\u030a": "r", "\u030b": "H", "\u030c": "v", "\u0323": "d", "\u0327": "c", "\u0328": "k",
    "\u0331": "b",
}  # fmt: skip
"""Combining mark to the TeX accent that sets it."""

SCRIPTS = {
    **{c: rf"\textsuperscript{{{d}}}" for c, d in zip("⁰¹²³⁴⁵⁶⁷⁸⁹ⁿ", "0123456789n", strict=True)},
    **{c: rf"\textsubscript{{{d}}}" for c, d in zip("₀₁₂₃₄₅₆₇₈₉", "0123456789", strict=True)},
    "⁻": r"\textsuperscript{\ensuremath{-}}",
    "⁺": r"\textsuperscript{\ensuremath{+}}",
}

MOST_ACCENTS = 2
"""That TeX sets over one letter."""

HIDDEN = ("Cc", "Cf", "Cs")
"""Unicode categories that print nothing and may reorder or hide what does: dropped."""


def escape(text: str) -> str:
    """Give the TeX of plain prose; straight quotes are made to face the right way."""
    composed = unicodedata.normalize("NFC", text)
    facing = re.sub(r'(^|[\s(\[{\-–—/])"(?=\S)', r"\1“", composed).replace('"', "”")
    return "".join(map(character, facing))


def escape_code(text: str) -> str:
    """Give the TeX of a piece of code within a line, which may break after punctuation and within long words."""
    literal = {"'": r"\char13{}", '"': r"\char34{}", "-": "-{}", " ": r"\ ", "`": r"\char18{}", "_": r"\char95{}"}
    breakable = re.sub(r"[0-9A-Za-z]{24,}", lambda long: "\u200b".join(re.findall(".{1,8}", long.group())), text)
    broken = re.sub(r"(?<=[_/.,=:\\-])(?=\w)", "\u200b", breakable)
    return "".join(r"\allowbreak{}" if c == "\u200b" else literal.get(c) or character(c) for c in broken)


def faults(text: str) -> tuple[str, ...]:
    """Name what in a text cannot be printed as it stands, each thing once."""
    found: dict[str, None] = {}
    for c in unicodedata.normalize("NFC", text):
        if character(c) == "":
            found[f"an invisible character U+{ord(c):04X} ({unicodedata.name(c, 'control')})"] = None
        elif r"\unprintable" in character(c):
            found[f"a character that the paper's fonts lack, U+{ord(c):04X} ({unicodedata.name(c, 'unnamed')})"] = None
    return tuple(found)


@lru_cache(maxsize=4096)
def character(c: str) -> str:
    """Give the TeX of one character: itself, a command, nothing if it is hidden, or its visible number."""
    known = SPECIAL.get(c) or TYPOGRAPHIC.get(c) or LETTERS.get(c) or SCRIPTS.get(c)
    if known:
        return known
    if mathematics := mathematical(c):
        return rf"\ensuremath{{{mathematics}}}"
    if c.isascii() and c.isprintable():
        return c
    if unicodedata.category(c) in HIDDEN:
        return ""
    return _accented(c) or _compatible(c) or rf"\unprintable{{{ord(c):04X}}}"


def mathematical(c: str) -> str | None:
    """Give the TeX of a symbol inside mathematics; None for what is none."""
    return rf"\{GREEK[c]}" if c in GREEK else MATHEMATICAL.get(c)


def _accented(c: str) -> str | None:
    base, *marks = list(unicodedata.normalize("NFD", c))
    if not (base.isascii() and base.isalpha()) or not 0 < len(marks) <= MOST_ACCENTS:
        return None
    if any(mark not in ACCENTS for mark in marks):
        return None
    letter = rf"\{base}" if base in "ij" and marks[0] not in "\u0323\u0327\u0328\u0331" else base
    for mark in marks:
        letter = rf"\{ACCENTS[mark]}{{{letter}}}"
    return letter


def _compatible(c: str) -> str | None:
    """Write a ligature, full-width or styled letter by the plain ones it stands for."""
    plain = unicodedata.normalize("NFKC", c)
    if plain == c or not all(p.isascii() and p.isprintable() for p in plain):
        return None
    return "".join(map(character, plain))
