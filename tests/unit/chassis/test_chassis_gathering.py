"""Questions of many askers in few calls: nobody waits for company, nobody gets another's answer."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.chassis.rpc.gathering import Gathering, WrongAnswersError
from services.chassis.telemetry.correlation import correlated, correlation_id


class _Service:
    """Answers ``n`` with ``n * 10`` when it is let; a negative ``n`` with an error of its own."""

    def __init__(self, *, held: bool = True) -> None:
        self.calls: list[list[int]] = []
        self.causes: list[str] = []
        self.ended = 0
        self.cancelled = 0
        self.under_way = 0
        self.widest = 0
        self.held = held
        self._let: asyncio.Queue[Exception | None] = asyncio.Queue()

    def let(self, error: Exception | None = None) -> None:
        """Let one call end, the one that has waited longest."""
        self._let.put_nowait(error)

    async def answer(self, questions: Sequence[int]) -> Sequence[int | Exception]:
        self.calls.append(list(questions))
        self.causes.append(correlation_id.get())
        self.under_way += 1
        self.widest = max(self.widest, self.under_way)
        try:
            error = await self._let.get() if self.held else None
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.under_way -= 1
        self.ended += 1
        if error is not None:
            raise error
        return [LookupError(str(each)) if each < 0 else each * 10 for each in questions]


async def _asking(gathering: Gathering[int, int], *questions: int) -> list[asyncio.Task[int]]:
    """Askers whose questions are under way or in line."""
    tasks = [asyncio.create_task(gathering.ask(each)) for each in questions]
    await _turns()
    return tasks


async def _turns() -> None:
    """Let everything happen that can happen without anybody's answer."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_a_question_goes_at_once_when_nothing_is_under_way() -> None:
    service = _Service()
    (asker,) = await _asking(Gathering(service.answer), 1)
    assert service.calls == [[1]]
    service.let()
    assert await asker == 10


async def test_who_comes_meanwhile_goes_together_and_gets_his_own_answer() -> None:
    service = _Service()
    gathering = Gathering(service.answer)
    first = await _asking(gathering, 1)
    late = await _asking(gathering, 2, 3, 4)
    assert service.calls == [[1]]
    service.let()
    service.let()
    assert await asyncio.gather(*first, *late) == [10, 20, 30, 40]
    assert service.calls == [[1], [2, 3, 4]]


async def test_who_ask_in_the_same_step_go_together_though_nothing_was_under_way() -> None:
    service = _Service(held=False)
    gathering = Gathering(service.answer)
    assert await asyncio.gather(*(gathering.ask(each) for each in range(5))) == [0, 10, 20, 30, 40]
    assert service.calls == [[0, 1, 2, 3, 4]]


async def test_a_call_never_carries_more_than_the_most() -> None:
    service = _Service(held=False)
    gathering = Gathering(service.answer, most=3)
    assert await asyncio.gather(*(gathering.ask(each) for each in range(8))) == [n * 10 for n in range(8)]
    assert service.calls == [[0, 1, 2], [3, 4, 5], [6, 7]]


@pytest.mark.parametrize("lanes", [1, 2, 3])
async def test_no_more_calls_are_under_way_than_there_are_lanes(lanes: int) -> None:
    service = _Service()
    gathering = Gathering(service.answer, most=1, lanes=lanes)
    askers = await _asking(gathering, *range(7))
    assert service.under_way == lanes
    for _ in askers:
        service.let()
    assert await asyncio.gather(*askers) == [n * 10 for n in range(7)]
    assert service.widest == lanes


async def test_an_exception_in_an_answers_place_is_that_questions_own() -> None:
    service = _Service(held=False)
    gathering = Gathering(service.answer)
    answers = await asyncio.gather(*(gathering.ask(each) for each in (1, -2, 3)), return_exceptions=True)
    assert answers[0] == 10
    assert isinstance(answers[1], LookupError)
    assert answers[2] == 30
    assert len(service.calls) == 1


async def test_a_call_that_fails_fails_for_each_of_its_askers_and_for_nobody_else() -> None:
    service = _Service()
    gathering = Gathering(service.answer)
    first = await _asking(gathering, 1)
    late = await _asking(gathering, 2, 3)
    service.let()
    service.let(ConnectionError("gone"))
    assert await asyncio.gather(*first) == [10]
    failed = await asyncio.gather(*late, return_exceptions=True)
    assert [str(each) for each in failed] == ["gone", "gone"]
    service.let()
    (again,) = await _asking(gathering, 4)
    assert await again == 40


async def test_questions_in_line_survive_a_call_that_fails() -> None:
    service = _Service()
    gathering = Gathering(service.answer)
    (first,) = await _asking(gathering, 1)
    late = await _asking(gathering, 2, 3)
    service.let(ConnectionError("gone"))
    service.let()
    with pytest.raises(ConnectionError):
        await first
    assert await asyncio.gather(*late) == [20, 30]


@pytest.mark.parametrize("number", [0, 3])
async def test_the_wrong_number_of_answers_is_an_answer_to_nobody(number: int) -> None:
    async def confused(_: Sequence[int]) -> Sequence[int | Exception]:
        return [7] * number

    gathering = Gathering(confused)
    answers = await asyncio.gather(gathering.ask(1), gathering.ask(2), return_exceptions=True)
    assert [type(each) for each in answers] == [WrongAnswersError, WrongAnswersError]


async def test_who_gives_up_in_line_is_not_asked_for_and_harms_nobody() -> None:
    service = _Service()
    gathering = Gathering(service.answer)
    first = await _asking(gathering, 1)
    gone, stays = await _asking(gathering, 2, 3)
    gone.cancel()
    await _turns()
    service.let()
    service.let()
    assert await asyncio.gather(*first, stays) == [10, 30]
    assert gone.cancelled()
    assert service.calls == [[1], [3]]


async def test_who_gives_up_under_way_harms_nobody() -> None:
    service = _Service()
    gone, stays = await _asking(Gathering(service.answer), 1, 2)
    gone.cancel()
    await _turns()
    assert service.cancelled == 0
    service.let()
    assert await stays == 20
    assert gone.cancelled()


async def test_a_call_that_nobody_waits_for_is_cancelled_and_gives_its_lane_back() -> None:
    service = _Service()
    gathering = Gathering(service.answer)
    askers = await _asking(gathering, 1, 2)
    (late,) = await _asking(gathering, 3)
    for asker in askers:
        asker.cancel()
    await _turns()
    assert service.cancelled == 1
    service.let()
    assert await late == 30
    assert service.calls == [[1, 2], [3]]


@pytest.mark.parametrize("turns", range(5))
async def test_whenever_the_only_asker_gives_up_the_next_question_goes(turns: int) -> None:
    service = _Service(held=False)
    gathering = Gathering(service.answer)
    gone = asyncio.create_task(gathering.ask(1))
    for _ in range(turns):
        await asyncio.sleep(0)
    gone.cancel()
    with suppress(asyncio.CancelledError):
        await gone
    assert await gathering.ask(2) == 20


async def test_an_askers_deadline_ends_his_waiting_and_nobody_elses() -> None:
    service = _Service()
    gathering = Gathering(service.answer)
    (patient,) = await _asking(gathering, 1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0):
            await gathering.ask(2)
    service.let()
    assert await patient == 10
    assert service.calls == [[1]]


async def test_a_call_cancelled_from_below_is_cancelled_for_its_askers() -> None:
    async def lost(_: Sequence[int]) -> Sequence[int | Exception]:
        raise asyncio.CancelledError

    asker = asyncio.create_task(Gathering(lost).ask(1))
    with pytest.raises(asyncio.CancelledError):
        await asker


async def test_a_call_runs_under_the_cause_of_the_first_of_its_askers() -> None:
    service = _Service(held=False)
    gathering = Gathering(service.answer)

    async def ask(cause: str, question: int) -> int:
        with correlated(cause):
            return await gathering.ask(question)

    await asyncio.gather(ask("a", 1), ask("b", 2))
    await asyncio.gather(ask("c", 3))
    assert service.causes == ["a", "c"]
    assert correlation_id.get() == ""


_Step = st.tuples(st.sampled_from(("ask", "ask", "ask", "give up", "let", "fail")), st.integers(0, 9))


@settings(max_examples=100, deadline=None)
@given(st.lists(_Step, max_size=30), st.integers(1, 4), st.integers(1, 3))
def test_everybody_who_waits_gets_his_own_answer_whatever_happens_to_others(
    steps: list[tuple[str, int]], most: int, lanes: int
) -> None:
    async def run() -> None:
        service = _Service()
        gathering = Gathering(service.answer, most=most, lanes=lanes)
        askers: list[asyncio.Task[int]] = []
        for kind, number in steps:
            if kind == "ask":
                askers.append(asyncio.create_task(gathering.ask(len(askers))))
            elif kind == "give up" and askers:
                askers[number % len(askers)].cancel()
            elif kind in ("let", "fail") and service.under_way:
                service.let(ConnectionError("gone") if kind == "fail" else None)
            await asyncio.sleep(0)
        for _ in range(len(askers) + 1):
            service.let()
        answers = await asyncio.gather(*askers, return_exceptions=True)
        for number, answer in enumerate(answers):
            assert answer == number * 10 or isinstance(answer, ConnectionError | asyncio.CancelledError)
        asked = [each for call in service.calls for each in call]
        assert len(set(asked)) == len(asked), "a question went twice"
        assert all(1 <= len(call) <= most for call in service.calls)
        assert service.widest <= lanes
        service.held = False
        assert await gathering.ask(len(askers)) == len(askers) * 10, "a lane was lost"

    asyncio.run(run())
