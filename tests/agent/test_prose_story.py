"""A study written and reviewed by a language model, from the plot to the archive, typeset by the real TeX."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from author_prose import DOUBLED, Nowhere, ProseAuthor, answering
from walking import LINE, acting, begun, lower_for_the_line

from agent import bootstrap, campaign, dossier, walk
from agent.campaign import Campaign, StudyFolder
from agent.literature.publication import Literature, Publication
from agent.llm import Finish, Reply, Request
from agent.llms.scripted import Script, ScriptedLLM
from agent.questions import Related
from agent.researchers.desk import Desk
from agent.researchers.embedded import EmbeddedResearcher
from agent.researchers.language_model import LanguageModelResearcher
from agent.seal import Manifest
from agent.state import Step, Tools
from agent.steps import review
from papers.compose import REQUESTS, compose
from papers.paper import Paper
from reviews import form
from reviews.document import Document, Passage
from reviews.review import Verdict
from sandboxes.bubblewrap import Bubblewrap
from sandboxes.job import Job, Level, Outcome, Runtime
from sandboxes.scripted import Scripted

NAME = "scripted/author"
FOUND = Publication(
    id="doi:10.1/found",
    key="finder2021found",
    source="crossref",
    title="Found",
    authors=("Fay Finder",),
    year=2021,
    venue="Journal of Findings",
    kind="article",
)


class Typesetting:
    """Runs trials by a script and TeX for real; figures are real files."""

    level = Level.process

    def __init__(self) -> None:
        self._trials: Scripted = acting(lower_for_the_line)
        self._tex = Bubblewrap()

    def run(self, job: Job) -> Outcome:
        if job.runtime is Runtime.tex:
            return self._tex.run(job)
        outcome = self._trials.run(job)
        if job.argv[1].endswith("plot.py"):
            draw(job.outputs / "seeds.pdf")
        return outcome


def draw(path: Path) -> None:
    from matplotlib.backends.backend_pdf import FigureCanvasPdf
    from matplotlib.figure import Figure

    figure = Figure(figsize=(2, 1))
    figure.add_subplot().plot([1, 2], [2, 1])
    FigureCanvasPdf(figure).print_pdf(path, metadata={"CreationDate": None})


@contextmanager
def working(made: Campaign, script: Script, steps: list[Step], literature: Literature) -> Iterator[Tools]:
    """Give tools with which a language model writes and reviews, and rules do the rest."""
    author = LanguageModelResearcher(Desk(ScriptedLLM(script, NAME), literature))
    brief = campaign.read_brief(made)
    with bootstrap.tools(made, brief, steps.append, threading.Event(), Typesetting()) as tools:
        embedded = EmbeddedResearcher()
        yield replace(
            tools,
            brief=brief.model_copy(update={"llms": {"writing": (NAME,), "review": (NAME,)}}),
            researchers={"ideas": embedded, "code": embedded, "writing": author, "review": author},
            literature=literature,
        )


def walked(made: Campaign, script: Script, literature: Literature | None = None) -> tuple[StudyFolder, list[str]]:
    steps: list[Step] = []
    with working(made, script, steps, literature or Nowhere()) as tools:
        walk.walk(tools)
    return made.studies()[0], [f"{step.name}: {step.text}" for step in steps if step.text]


@pytest.mark.slow
def test_a_latex_error_is_fixed_and_a_review_is_answered(tmp_path: Path) -> None:
    study, told = walked(begun(tmp_path, LINE), answering(ProseAuthor(latex_error=True)))
    first, second, third = (study.draft(number) for number in (1, 2, 3))
    assert any("Double superscript" in problem.what for problem in dossier.problems(first))
    assert DOUBLED in first.paper.read_text().replace("\\\\", "\\")
    assert DOUBLED not in second.paper.read_text().replace("\\\\", "\\")
    assert Verdict.load(second.verdict).decision == "reject"
    assert "A reader asked what the section on" in third.paper.read_text()
    assert "tab:seeds" in third.paper.read_text()
    assert Verdict.load(third.verdict).decision == "accept"
    assert Manifest.load(study.manifest).decision == "accept"
    assert study.paper_pdf.read_bytes().startswith(b"%PDF")
    assert [line for line in told if line.startswith("press: draft 1 stopped by 1 problems, the first: paper.tex line")]


@pytest.mark.slow
def test_reviewers_that_never_fill_the_form_are_counted_and_the_study_goes_on(tmp_path: Path) -> None:
    author = answering(ProseAuthor(content=True))

    def script(request: Request) -> Reply | str:
        if request.purpose == "judge" and "soundness first" in request.messages[0].text:
            return Reply(text="", finish=Finish.refused, usage=None, served=NAME)
        if request.purpose == "judge" and "clarity first" in request.messages[0].text:
            return "I would rather not say."
        return author(request)

    study, _ = walked(begun(tmp_path, LINE), script)
    verdict = Verdict.load(study.verdict)
    assert (len(verdict.reviews), verdict.unscored) == (1, 2)
    assert "refused" in verdict.faults[0]
    assert "gave 4 answers" in verdict.faults[1]
    assert "not scored: 2." in study.review_text.read_text()


@pytest.mark.slow
def test_without_any_review_a_study_is_archived_and_says_so(tmp_path: Path) -> None:
    author = answering(ProseAuthor())
    study, told = walked(
        begun(tmp_path, LINE), lambda request: "No." if request.purpose == "judge" else author(request)
    )
    assert not study.verdict.exists()
    assert Manifest.load(study.manifest).decision == ""
    assert study.paper_pdf.exists()
    assert any(line.startswith("review: no verdict: None of 3 reviewers filled the form") for line in told)
    assert "None of 3 reviewers" in study.review_text.read_text()


class Source(Nowhere):
    """Knows the record of an earlier survey, and now says something about it."""

    def __init__(self, said: str) -> None:
        self._said = said

    def resolve(self, publication: Publication) -> str:
        return self._said if publication == FOUND else ""


def citing(request: Request) -> str:
    """Cite the record that was found, wherever it may be cited."""
    said = answering(ProseAuthor(content=True))(request)
    cites = "Write the section “Background" in request.messages[0].text and f"[@{FOUND.key}]" in request.context
    return f"{said}\n\nNearest comes what was found [@{FOUND.key}]." if cites else said


def surveyed(made: Campaign, source: Source) -> tuple[StudyFolder, list[str]]:
    """Walk up to the survey, let it have found a record, and walk on."""
    steps: list[Step] = []
    with working(made, citing, steps, source) as tools:
        ask = tools.researchers["ideas"]

        class Finding:
            name = "embedded"

            def answer(self, question: object) -> object:
                found = ask.answer(question)  # type: ignore[arg-type, type-var]
                if isinstance(found, Related):
                    return found.model_copy(update={"cited": (FOUND.key, *found.cited), "records": (FOUND,)})
                return found

        walk.walk(replace(tools, researchers={**tools.researchers, "ideas": Finding()}))
    return made.studies()[0], [f"{step.name}: {step.text}" for step in steps if step.text]


@pytest.mark.slow
def test_a_record_that_its_source_disputes_stops_the_paper_and_is_cited_no_more(tmp_path: Path) -> None:
    study, told = surveyed(begun(tmp_path, LINE), Source("Crossref has another title: Lost"))
    problems = dossier.problems(study.draft(1))
    assert [(each.where, each.stops) for each in problems if each.where.startswith("record ")] == [
        (f"record {FOUND.key}", True)
    ]
    assert FOUND.key not in Paper.load(study.draft(2).paper).model_dump_json()
    assert FOUND.key not in (study.paper / "paper.tex").read_text()
    assert study.paper_pdf.exists()
    assert any("Crossref has another title" in line for line in told)


@pytest.mark.slow
def test_a_record_that_could_not_be_looked_up_is_told_and_stops_nothing(tmp_path: Path) -> None:
    study, told = surveyed(begun(tmp_path, LINE), Source("not checked: Crossref did not answer"))
    (problem,) = (each for each in dossier.problems(study.draft(1)) if each.where.startswith("record "))
    assert not problem.stops
    assert FOUND.key in (study.paper / "paper.tex").read_text()
    assert any("not checked: Crossref did not answer" in line for line in told)


def test_the_reviewers_of_a_panel_are_asked_at_the_same_time(tmp_path: Path) -> None:
    together = threading.Barrier(3, timeout=20)
    author = answering(ProseAuthor())

    def script(request: Request) -> str:
        if request.purpose == "judge":
            together.wait()
        return author(request)

    made = begun(tmp_path, LINE, workers=3)
    seen = Document(
        title="A title", abstract=("An abstract.",), sections=(Passage(title="Method", sentences=("It is so.",)),)
    )
    with working(made, script, [], Nowhere()) as tools:
        assert len(review.reviews(tools, seen, form.load()).reviews) == 3


@pytest.mark.slow
def test_what_differs_from_run_to_run_is_not_shown_to_reviewers(tmp_path: Path) -> None:
    made = begun(tmp_path, LINE)
    steps: list[Step] = []
    with working(made, answering(ProseAuthor(content=True)), steps, Nowhere()) as tools:
        walk.walk(replace(tools, researchers=dict.fromkeys(tools.researchers, EmbeddedResearcher())))
        (template,) = tools.templates.values()
        told = dossier.told_in(made.studies()[0], 1, template)
        slower = told.model_copy(
            update={"provenance": told.provenance.model_copy(update={"wall_seconds": 987.0, "spend_usd": 4.5})}
        )
        papers = [compose(each, REQUESTS) for each in (told, slower)]
        read = [review.read(tools, papers[0], each) for each in (told, slower)]
        open_book = replace(tools, brief=tools.brief.model_copy(update={"llms": {}}))
        assert read[0] == read[1]
        assert review.read(open_book, papers[0], told) != review.read(open_book, papers[0], slower)
