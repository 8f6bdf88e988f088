"""Questions of many askers that travel in one call, without anybody waiting for company.

A call costs the same few hundred microseconds of processor whether it carries one question or sixty. So
while a call is under way, the questions that come meanwhile stand in line, and go together as soon as it is
answered. The busier it is, the more travel together; with one asker each question is a call of its own, and
goes at once.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context, copy_context
from typing import Generic, TypeVar

Question = TypeVar("Question")
Answer = TypeVar("Answer")

MOST = 64
"""Questions in one call, where nobody says otherwise."""


class WrongAnswersError(Exception):
    """A call gave more or fewer answers than it had questions: nobody knows which is whose."""


class Gathering(Generic[Question, Answer]):
    """Gathers the questions of many tasks into few calls; lives on one event loop.

    A call runs in the context of the first of its askers: it carries his correlation id and trace. Where
    the message has a field for it, each question names its own cause.

    Args:
        send_many: asks all of these in one call, and gives an answer for each, in their order; an
            exception in an answer's place is that question's own. It gets 1 to ``most`` questions.
            What it raises, it raises for all of them. It sets the deadline of the call.
        most: questions in one call.
        lanes: calls under way at any moment. With more than one the questions of different calls may
            be answered in another order than they were asked.
    """

    def __init__(
        self,
        send_many: Callable[[Sequence[Question]], Awaitable[Sequence[Answer | Exception]]],
        *,
        most: int = MOST,
        lanes: int = 1,
    ) -> None:
        self._send_many = send_many
        self._most = most
        self._lanes = lanes
        self._line: deque[_Asked[Question, Answer]] = deque()
        self._under_way: dict[asyncio.Task[Sequence[Answer | Exception]], list[_Asked[Question, Answer]]] = {}
        self._woken = False

    async def ask(self, question: Question) -> Answer:
        """Ask, and wait for the answer.

        The asker's own deadline is ``asyncio.timeout`` around this. Whoever gives up takes his question
        out of the line. One that is under way stays so, with the others of its call; the call is
        cancelled when all of its askers gave up. So giving up says nothing about what became of the
        question, as with any call.

        Raises:
            Exception: what ``send_many`` gave for this question, or raised for the whole call.
            WrongAnswersError: the call gave more or fewer answers than it had questions.
        """
        asked = _Asked[Question, Answer](question)
        self._line.append(asked)
        self._wake()
        try:
            answer = await asked.answer
        except asyncio.CancelledError:
            self._give_up(asked)
            raise
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _wake(self) -> None:
        """Send in a moment, so that all who ask in this very step of the loop go together."""
        if not self._woken and len(self._under_way) < self._lanes:
            self._woken = True
            asyncio.get_running_loop().call_soon(self._send)

    def _send(self) -> None:
        self._woken = False
        while len(self._under_way) < self._lanes and (together := self._next()):
            first = together[0].context
            task = asyncio.get_running_loop().create_task(self._call(together), context=first)
            self._under_way[task] = together
            task.add_done_callback(self._answered)

    def _next(self) -> "list[_Asked[Question, Answer]]":
        """The longest waiting questions that somebody still waits for."""
        together: list[_Asked[Question, Answer]] = []
        while self._line and len(together) < self._most:
            asked = self._line.popleft()
            if not asked.answer.done():
                together.append(asked)
        return together

    async def _call(self, together: "list[_Asked[Question, Answer]]") -> Sequence[Answer | Exception]:
        answers = await self._send_many([asked.question for asked in together])
        if len(answers) != len(together):
            msg = f"{len(answers)} answers to {len(together)} questions"
            raise WrongAnswersError(msg)
        return answers

    def _answered(self, task: "asyncio.Task[Sequence[Answer | Exception]]") -> None:
        """Tell the askers, and send who came meanwhile; also after a call that failed."""
        together = self._under_way.pop(task)
        self._send()
        if task.cancelled():
            for asked in together:
                asked.answer.cancel()
            return
        failure = task.exception()
        answers = task.result() if failure is None else [failure] * len(together)
        for asked, answer in zip(together, answers, strict=True):
            if not asked.answer.done():
                asked.answer.set_result(answer)

    def _give_up(self, asked: "_Asked[Question, Answer]") -> None:
        for task, together in self._under_way.items():
            if asked in together:
                if all(each.answer.done() for each in together):
                    task.cancel()
                return


class _Asked(Generic[Question, Answer]):
    """A question in line or under way, with who waits for its answer and why it was asked."""

    __slots__ = ("answer", "context", "question")

    def __init__(self, question: Question) -> None:
        self.question = question
        self.context: Context = copy_context()
        self.answer: asyncio.Future[Answer | BaseException] = asyncio.get_running_loop().create_future()
