"""The questions of a catalog, asked a few at a time; what is answered is kept at once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from mcp_codegen.descriptions import Entry
from mcp_codegen.enrichment import answers, asking, costs, prompting
from mcp_codegen.enrichment.costs import Budget, Price
from mcp_codegen.enrichment.keeping import Keeper
from mcp_codegen.enrichment.planning import Question
from mcp_codegen.language_models import FailedError, LostError, RefusedError, Service, client
from mcp_codegen.texts import digest

CONCURRENT: Final = 6
_ATTEMPTS: Final = 5
"""Requests for the same text, where answers do not serve."""
_PAUSE: Final = 0.5
"""Seconds after the first answer that broke off; twice as long after each further one."""
_HOPELESS: Final = 4
"""So many requests in a row that fail, with all their retries, end the run."""


@dataclass(slots=True)
class Outcome:
    """How it went."""

    written: int = 0
    refused: dict[str, str] = field(default_factory=dict)
    """Why a place has no text, by pointer."""
    is_out_of_money: bool = False
    failure: str = ""
    """Why the run ended early."""


@dataclass(slots=True)
class _Run:
    data: Mapping[str, Any]
    language: str
    service: Service
    price: Price
    budget: Budget
    keeper: Keeper
    watch: Callable[[int], None]
    connection: Any
    outcome: Outcome = field(default_factory=Outcome)
    failures: int = 0

    @property
    def is_over(self) -> bool:
        return self.outcome.is_out_of_money or bool(self.outcome.failure)

    async def answer(self, question: Question, attempts: int = _ATTEMPTS) -> None:
        """Get texts for the places of a question, as far as answers serve."""
        why = "not asked"
        while question.places and attempts and not self.is_over:
            attempts -= 1
            try:
                reply = await self._ask(question)
            except RefusedError as error:
                why = str(error)
                break
            except FailedError as error:
                why = str(error)
                if isinstance(error, LostError) and attempts:
                    await asyncio.sleep(_PAUSE * 2 ** (_ATTEMPTS - 1 - min(attempts, _ATTEMPTS - 1)))
                    continue
                self.failures += 1
                if self.failures >= _HOPELESS:
                    self.outcome.failure = f"the language model's service does not answer: {why}"
                continue
            if reply is None:
                return
            self.failures = 0
            taken = answers.take(reply.content, question, self.data)
            self._keep(question, taken.texts, reply.model)
            question = question.of([one for one in question.places if one.pointer in taken.refused])
            why = ""
            self.outcome.refused |= taken.refused
            if reply.is_cut and len(question.places) > 1:
                for half in question.halves:
                    await self.answer(half, attempts + 1)  # smaller each time, so this ends
                return
        self.outcome.refused |= {one.pointer: why for one in question.places if why}
        self.watch(len(question.places))

    async def _ask(self, question: Question) -> asking.Reply | None:
        """The reply; None where there is no money left for it."""
        estimated = costs.tokens_in(prompting.size(question, self.data, self.language))
        most = costs.most_tokens_out(question, self.service.model)
        reserved = self.budget.reserve(self.price.cost(estimated, most))
        if reserved is None:
            self.outcome.is_out_of_money = True
            return None
        try:
            messages = prompting.messages(question, self.data, self.language)
            form = prompting.answer_schema(question)
            reply = await asking.ask(self.connection, self.service, messages, form, most)
        except LostError:
            self.budget.settle(reserved, estimated, most, self.price)
            raise
        except BaseException:
            self.budget.release(reserved)
            raise
        used_in = estimated if reply.tokens_in is None else reply.tokens_in
        used_out = costs.tokens_in(len(reply.content.encode())) if reply.tokens_out is None else reply.tokens_out
        self.budget.settle(reserved, used_in, used_out, self.price)
        return reply

    def _keep(self, question: Question, texts: Mapping[str, str], model: str) -> None:
        about = {"by": "model", "model": model, "prompt": prompting.VERSION, "language": self.language}
        known = {one.pointer: one for one in question.places}
        made = {
            at: Entry.model_validate({"text": text, "source": known[at].digest, "written": digest(text), **about})
            for at, text in texts.items()
        }
        if made:
            self.keeper.keep(made)
        self.outcome.written += len(made)
        for at in made:
            self.outcome.refused.pop(at, None)
        self.watch(len(made))


async def run(
    questions: Sequence[Question],
    data: Mapping[str, Any],
    *,
    language: str,
    service: Service,
    price: Price,
    budget: Budget,
    keeper: Keeper,
    watch: Callable[[int], None],
    concurrent: int = CONCURRENT,
) -> Outcome:
    """Ask all questions. data: the catalog's, without the texts beside it. watch: told how many texts are done with.

    Raises `SettingsError` where the service cannot be used at all.
    """
    waiting = iter(questions)
    async with client(service) as connection:
        one = _Run(data, language, service, price, budget, keeper, watch, connection)

        async def work() -> None:
            for question in waiting:
                if one.is_over:
                    return
                await one.answer(question)

        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(min(concurrent, len(questions))):
                    group.create_task(work())
        except BaseExceptionGroup as several:
            raise several.exceptions[0] from several
    return one.outcome
