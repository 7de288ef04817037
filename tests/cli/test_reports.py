"""`--report` of the commands whose page is a summary and its figures."""

import pytest

QUICK = ("--quiet", "--starts", "1")
FRAME = "time,until,age,kind,colour\n" + "".join(
    f"{1 + i % 7},{2 + i % 7},{20 + 3 * i % 40},{'ab'[i % 2]},{'rgb'[i * i % 3]}\n"
    for i in range(40)
)
ASKED = {
    "survival": ("--lower", "time", "--upper", "until", "--quiet"),
    "survival of ages": ("--lower", "time", "--upper", "until", "--on", "age", "--quiet"),
    "table": ("--columns", "kind,colour", "--quiet"),
    "markov-regression": ("--formula", "rt ~ 1", "--id", "series", *QUICK),
    "markov-autoregression": ("--columns", "growth", "--order", "1:2", *QUICK),
    "hsmm": ("--columns", "rt", "--id", "series", "--durations", "poisson", *QUICK),
    "hmm-mixture": ("--columns", "rt", "--id", "series", "--clusters", "1", *QUICK),
}


@pytest.mark.parametrize("name", ASKED)
def test_a_command_writes_its_page(run, tmp_path, name):
    command, page = name.split(" ")[0], tmp_path / "page.html"
    data = tmp_path / "data.csv"
    if command in ("survival", "table"):
        data.write_text(FRAME, encoding="utf-8")
    else:
        data = "gnp" if command == "markov-autoregression" else "speed"
    made = run("fit", command, data, *ASKED[name], "--report", page)
    assert made.status == 0
    assert f"Report: {page}" in made.out
    told = page.read_text(encoding="utf-8")
    assert f"<span>{command}</span>" in told
    assert "What was estimated" in told
    assert "<script" not in told
    if "--id" in ASKED[name]:
        assert "series 2" in told or command == "markov-regression"


def test_a_page_of_another_ending_is_refused_before_the_fit(run, tmp_path):
    path = tmp_path / "page.txt"
    made = run("fit", "hsmm", "speed", "--report", path)
    assert made.status == 2
    assert "does not end in .html" in made.err
    assert not path.exists()
