from __future__ import annotations

import json
from pathlib import Path

import pytest

from agent import cost, plan
from agent.budget import Budget, Caps
from agent.campaign import Brief, Campaign
from agent.endpoint import Endpoint, Price
from agent.entry import Event
from agent.journal import Call, Journal
from agent.llm import Usage
from agent.prices import Charge
from agent.researchers import authoring, coding, proposing, reviewing, surveying
from templates.template import Template

BOUND = Charge(usage=Usage(input_tokens=1000, output_tokens=1000), usd=1.0)


def charge(usd: float, **tokens: int) -> Charge:
    return Charge(usage=Usage(**tokens), usd=usd)


@pytest.fixture
def ledger(tmp_path: Path) -> Journal:
    opened = Journal(tmp_path / "ledger.jsonl", tmp_path / "exchanges")
    opened.note(Event.opened, "campaign")
    return opened


def pay(ledger: Journal, question: str, llm: str, cost: Charge, **ending: object) -> None:
    key = f"{question}-{len(ledger.entries)}"
    reserved = ledger.reserve(Call(key=key, question=question, llm=llm), BOUND, Caps())
    ledger.settle(reserved, cost, **ending)  # type: ignore[arg-type]


def test_costs_are_told_by_study_by_question_and_by_who_was_asked(ledger: Journal) -> None:
    pay(ledger, "propose", "one", charge(0.10, input_tokens=100, cache_read_tokens=50, output_tokens=10))
    pay(ledger, "section", "two", charge(0.60, input_tokens=300, cache_write_tokens=20))
    ledger.note(Event.study_closed, "001-first")
    pay(ledger, "propose", "one", charge(0.30, input_tokens=200, output_tokens=30, reasoning_tokens=20))
    told = cost.cost(ledger.entries)
    assert [(row.name, row.calls, round(row.usd, 9)) for row in told.by_study] == [("1", 2, 0.7), ("2", 1, 0.3)]
    assert [(row.name, round(row.usd, 9)) for row in told.by_question] == [("section", 0.6), ("propose", 0.4)]
    assert [(row.name, round(row.share, 9)) for row in told.by_llm] == [("one", 0.4), ("two", 0.6)]
    propose = told.by_question[1].usage
    assert propose == Usage(input_tokens=300, cache_read_tokens=50, output_tokens=40, reasoning_tokens=20)
    assert told.whole.usage.tokens == 710


def test_the_report_agrees_with_the_sum_that_the_caps_look_at(ledger: Journal) -> None:
    pay(ledger, "propose", "one", charge(0.0), failed="OverloadedError")
    pay(ledger, "propose", "one", BOUND, failed="UnreachableError", sure=False)
    pay(ledger, "propose", "one", charge(0.25, output_tokens=5))
    ledger.reserve(Call(key="in flight", question="judge", llm="one"), BOUND, Caps())
    told = cost.cost(ledger.entries)
    assert told.whole.usd == ledger.spend().usd == 2.25
    assert told.whole.usage.tokens == ledger.spend().tokens
    assert (told.whole.calls, told.whole.failed, told.whole.unsure, told.whole.unsure_usd) == (4, 2, 2, 2.0)
    assert "2 calls count at their upper bound, $2.0000 in all" in told.text()


def test_a_paper_costs_what_all_studies_cost_those_without_one_included(ledger: Journal) -> None:
    pay(ledger, "section", "one", charge(1.5, output_tokens=3000))
    assert cost.cost(ledger.entries).tokens_per_paper is None
    assert cost.cost(ledger.entries, papers=2).tokens_per_paper == 1500
    assert "A paper took 1,500 tokens and $0.7500" in cost.cost(ledger.entries, papers=2).text()


def test_a_paper_whose_price_is_not_known_is_not_told_as_free(ledger: Journal) -> None:
    pay(ledger, "section", "one", Charge(usage=Usage(output_tokens=3000), priced=False))
    told = cost.cost(ledger.entries, papers=2).text()
    assert "A paper took 1,500 tokens, studies without one included" in told
    assert "No price is known for 3,000 tokens" in told


def test_a_campaigns_report_counts_its_printed_papers(tmp_path: Path, ledger: Journal) -> None:
    pay(ledger, "section", "one", charge(1.0, output_tokens=1000))
    made = Campaign(tmp_path)
    for number, printed in ((1, True), (2, False)):
        study = made.study(number, "x")
        study.paper.mkdir(parents=True)
        study.idea.write_text("{}")
        if printed:
            study.paper_pdf.write_bytes(b"%PDF-1.5")
    assert cost.report(made).papers == 1
    assert cost.report(made).tokens_per_paper == 1000


def test_shares_are_of_tokens_where_nothing_is_paid(ledger: Journal) -> None:
    free = Charge(usage=Usage(output_tokens=30))
    pay(ledger, "propose", "local:/weights", free)
    pay(ledger, "section", "acme/x", Charge(usage=Usage(output_tokens=90), priced=False))
    told = cost.cost(ledger.entries)
    assert {row.name: row.share for row in told.by_question} == {"section": 0.75, "propose": 0.25}
    assert "No price is known for 90 tokens" in told.text()


def test_what_the_safeguard_refused_is_counted(ledger: Journal) -> None:
    pay(ledger, "guard", "one", charge(0.1, output_tokens=3))
    ledger.note(Event.guarded, "one", detail="BLEU 0.2")
    assert cost.cost(ledger.entries).guarded == 1
    assert "refused 1 answers" in cost.cost(ledger.entries).text()


def test_a_campaign_without_a_language_model_has_cost_nothing(ledger: Journal) -> None:
    assert cost.cost(ledger.entries).text() == "No language model was asked: nothing was paid."


def test_the_table_is_aligned_and_the_json_has_the_same_figures(ledger: Journal) -> None:
    pay(ledger, "propose", "openai/a-long-name", charge(0.123456, input_tokens=1_234_567))
    pay(ledger, "judge", "x", charge(0.02, output_tokens=12))
    told = cost.cost(ledger.entries)
    table = [line for line in told.text().splitlines() if line.endswith(("%", "share"))]
    assert len({len(line) for line in table}) == 1
    assert "1,234,567" in told.text()
    assert json.loads(told.model_dump_json())["whole"]["usage"]["input_tokens"] == 1_234_567


PRICED = {"openai/x": Endpoint(price=Price(input=1, output=10))}


def brief(toy: Template, **more: object) -> Brief:
    terms = {
        "name": "story",
        "templates": (str(toy.folder),),
        "scale": "smoke",
        "llms": {"ideas": ("openai/x", "openai/y"), "review": ("openai/x",)},
        "endpoints": PRICED,
    }
    return Brief.model_validate(terms | more)


def told(toy: Template, **more: object) -> cost.Estimate:
    return cost.estimate(brief(toy, **more), {"toy": toy})


def test_an_estimate_is_of_the_questions_that_language_models_are_asked(toy: Template) -> None:
    assert {each.asked.role for each in told(toy).expected} == {"ideas", "review"}
    assert {each.asked.llm for each in told(toy).expected} == {"openai/x"}
    assert told(toy, llms={}).expected == ()
    assert "no language model is paid" in told(toy, llms={}).text()


def test_an_estimate_grows_with_what_the_brief_allows(toy: Template) -> None:
    all_kinds = dict.fromkeys(("ideas", "code", "writing", "review"), ("openai/x",))
    one = told(toy, llms=all_kinds)
    assert told(toy, llms=all_kinds, studies=3).usd == pytest.approx(3 * one.usd, rel=1e-3)
    for more in ({"repairs": 5}, {"fixes": 5}, {"revisions": 3}, {"guard": 0.5}):
        assert told(toy, llms=all_kinds, **more).usd > one.usd, more
        assert told(toy, llms=all_kinds, **more).most_usd > one.most_usd, more
    assert {each.asked.purpose for each in told(toy, llms=all_kinds, repairs=0).expected}.isdisjoint({"repair"})


def test_dollars_are_tokens_times_prices(toy: Template) -> None:
    for each in told(toy).expected:
        usage = each.asked.usage
        assert each.usd == pytest.approx((usage.input_tokens * 1 + usage.output_tokens * 10) / 1e6)
        assert each.most_usd is not None
        assert each.most_usd > 3 * each.usd


def test_a_price_that_nobody_knows_is_said_and_is_no_zero(toy: Template) -> None:
    unknown = told(toy, endpoints={})
    assert unknown.unpriced == ("openai/x",)
    assert {each.usd for each in unknown.expected} == {None}
    assert unknown.tokens > 0
    assert "No price is known for openai/x" in unknown.text()


def test_the_caps_are_shown(toy: Template) -> None:
    assert "No cap is set" in told(toy).text()
    assert "beyond --max-usd 5.0, --max-tokens 1,000,000." in told(toy, budget=Budget(usd=5, tokens=10**6)).text()


def test_the_plan_counts_the_trials_of_each_stage_and_bounds_their_time(toy: Template) -> None:
    seeds, limits = toy.scales["smoke"].seeds, toy.scales["smoke"].limits
    planned = plan.plan(brief(toy, workers=2, studies=4, repairs=2), {"toy": toy})
    counts = {each.stage: each.trials for each in planned.trials}
    assert counts["rehearse"] == 3
    assert counts["pilot"] + counts["full"] == 2 * seeds.full
    assert counts["confirm"] == 2 * seeds.confirm
    confirm = next(each for each in planned.trials if each.stage == "confirm")
    assert confirm.most_seconds == seeds.confirm * 2 * limits.wall_seconds
    assert planned.most_seconds == pytest.approx(4 * sum(each.most_seconds for each in planned.trials))


def test_what_a_question_may_write_at_most_is_what_its_request_allows() -> None:
    allowed = {"ideas": proposing, "code": coding}
    for each in plan.typical().questions:
        if each.purpose in ("queries", "survey"):
            most = surveying.MAX_TOKENS
        elif each.role == "writing":
            most = authoring.ANSWER_TOKENS
        elif each.role == "review":
            most = reviewing.NOTES_TOKENS if each.purpose == "conclude" else reviewing.ANSWER_TOKENS
        else:
            most = allowed[each.role].MAX_TOKENS
        assert each.most_output == most, each.purpose
        assert 0 < each.calls <= each.most_calls
        assert each.output < each.most_output
