"""What the pages show is what happens: every Python block runs, every `latentia` command too.

A `text` block after a block that runs is what it prints. Words have to agree, numbers to four
digits or so; a line of three dots stands for lines left out. What a climb cost (E-steps, the gain
that is left) depends on the last bit of the machine's arithmetic, so any number will do there.
"""

import contextlib
import io
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", "CONTRIBUTING.md", *sorted(f"docs/{p.name}" for p in ROOT.glob("docs/*.md"))]
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", flags=re.M | re.S)
EFFORT = re.compile(
    r"[\d,]+ E-steps?\b|\d+ proposals? (?:was|were)|\d+ distinct maxim(?:um|a) (?:was|were)"
    r"|(?<=About )\S+|(?<=estimated )[\d.]+(?= %)|(?<=starts )\d+(?= reached)"
    r"|\d+(?= +(?:converged|set aside)$)",
    flags=re.M,
)


class Block(NamedTuple):
    language: str
    source: str
    line: int


def blocks(page: str) -> list[Block]:
    text = (ROOT / page).read_text(encoding="utf-8")
    return [
        Block(found[1], found[2], text[: found.start()].count("\n") + 2)
        for found in FENCE.finditer(text)
    ]


def run_python(block: Block, page: str, scope: dict[str, Any]) -> str:
    out = io.StringIO()
    padded = "\n" * (block.line - 1) + block.source  # so that a traceback names the page's line
    with contextlib.redirect_stdout(out):
        exec(compile(padded, str(ROOT / page), "exec"), scope)
    return out.getvalue()


def run_shell(block: Block) -> str:
    """The `latentia` commands of a block, one after the other; what else there is is not run."""
    out = ""
    for line in block.source.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words[:1] != ["latentia"]:
            continue
        command = [sys.executable, "-m", "latentia.cli", *words[1:]]
        done = subprocess.run(command, capture_output=True, text=True, timeout=300)
        assert done.returncode == 0, f"{line}: {done.stderr}"
        out += done.stdout
    return out


def number(word: str) -> float | None:
    try:
        return float(word.strip("[](),;:%").replace(",", ""))
    except ValueError:
        return None


def same_word(shown: str, got: str) -> bool:
    if shown == got:
        return True
    a, b = number(shown), number(got)
    if a is None or b is None:
        return False
    digits = len(shown.partition(".")[2].strip("[](),;:%")) if "." in shown else 0
    return abs(a - b) <= max(5e-4 * abs(a), 1.5 * 10.0**-digits if digits else 0.0)


def same_line(shown: str, got: str) -> bool:
    """Whether two lines agree; rules of dashes may be longer or shorter."""
    if set(shown) & set(got) <= set("-= ") and set(shown + got) <= set("-= "):
        return bool(shown.strip()) == bool(got.strip())
    a, b = (EFFORT.sub("#", line).split() for line in (shown, got))
    return len(a) == len(b) and all(map(same_word, a, b))


def disagreement(shown: str, got: str) -> str | None:
    """The first line that is shown and not printed, or printed and not shown."""
    lines = [line.rstrip() for line in got.strip("\n").splitlines()]
    at, skipping = 0, False
    for wanted in shown.strip("\n").splitlines():
        if wanted.strip() == "...":
            skipping = True
            continue
        while skipping and at < len(lines) and not same_line(wanted, lines[at]):
            at += 1
        if at == len(lines) or not same_line(wanted, lines[at]):
            return f"shown {wanted!r}, printed {lines[at] if at < len(lines) else 'nothing'!r}"
        at, skipping = at + 1, False
    return None if skipping or at == len(lines) else f"printed {lines[at]!r}, shown nothing"


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.filterwarnings("ignore")
def test_page(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.delenv("COLUMNS", raising=False)
    scope: dict[str, Any] = {"__name__": "page"}
    printed: str | None = None
    for block in blocks(page):
        if block.language == "python":
            printed = run_python(block, page, scope)
        elif block.language == "sh":
            printed = run_shell(block)
        elif block.language == "text" and printed is not None:
            wrong = disagreement(block.source, printed)
            assert wrong is None, f"{page}, line {block.line}: {wrong}\n\n{printed}"
            printed = None
        else:
            assert block.language == "", f"{page}, line {block.line}: a block that nothing runs"
            printed = None


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page):
    text = FENCE.sub("", (ROOT / page).read_text(encoding="utf-8"))
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        name, _, anchor = target.partition("#")
        if name.startswith("https:"):
            continue
        there = (ROOT / page).parent / name if name else ROOT / page
        assert there.is_file(), f"{page} links to {target}"
        if anchor:
            heads = re.findall(r"^#+ (.*)$", there.read_text(encoding="utf-8"), flags=re.M)
            anchors = [re.sub(r"[^\w\- ]", "", h).strip().lower().replace(" ", "-") for h in heads]
            assert anchor in anchors, f"{page} links to {target}"


def test_the_comparison_can_fail():
    assert disagreement("rows 272\n", "rows 272\n") is None
    assert disagreement("BIC 2314.30\n", "BIC 2314.29\n") is None
    assert disagreement("a\n...\nd\n", "a\nb\nc\nd\n") is None
    assert disagreement("The climb took 6 E-steps.\n", "The climb took 9 E-steps.\n") is None
    assert disagreement("BIC 2314.30\n", "BIC 2322.19\n") is not None
    assert disagreement("rows 272\n", "rows 271\n") is not None
    assert disagreement("a\n", "a\nb\n") is not None
    assert disagreement("a\nb\n", "a\n") is not None
    assert disagreement("a\n...\nd\n", "a\nb\n") is not None
    assert disagreement("converged\n", "stopped\n") is not None
