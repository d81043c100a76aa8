"""A crawl's API calls: each is taken out of the ledger in the database before it goes out."""

from functools import partial
from typing import TYPE_CHECKING

from newsbot.limits import QuotaSpentError, Refusal, Terms
from newsbot.storage import jobs, quotas
from newsbot.storage.writer import Writer

if TYPE_CHECKING:
    from scrapy.crawler import Crawler


class Budget:
    """The budget of one crawl's API calls."""

    def __init__(self, crawler: "Crawler") -> None:
        self._writer = Writer.of(crawler)
        self._spent = self._writer.run.spent
        self._scheduled: bool | None = None  # whether this is a job of the schedule; None until asked

    async def spend(self, terms: Terms, budget: float | None) -> float | Refusal:
        """Take a call out of the budget; see `quotas.spend`. A scheduled job leaves part of a day's calls for later.

        Raises `QuotaSpentError` when this run has spent its own budget: calls, or money where calls cost some.
        """
        if budget is not None and round((self._spent[terms] + 1) * (terms.cost or 1) - budget, 9) > 0:
            raise QuotaSpentError(f"the budget of this run, {budget:g}, is spent")
        self._spent[terms] += 1  # before others ask
        answer: float | Refusal | None = None
        try:
            if self._scheduled is None:
                self._scheduled = await self._is_scheduled()
            answer = await self._writer.ask(partial(quotas.spend, terms=terms, spread=self._scheduled))
        finally:
            self._spent[terms] -= answer != 0
        return answer

    async def _is_scheduled(self) -> bool:
        token = self._writer.token
        return token is not None and await self._writer.ask(partial(jobs.is_scheduled, token=token))

    async def answered(self, terms: Terms) -> None:
        """Note that a call is over; see `quotas.answered`."""
        await self._writer.ask(partial(quotas.answered, terms=terms))

    async def give_back(self, terms: Terms, ago: float) -> None:
        """Put back a call taken `ago` seconds before that never went out; see `quotas.give_back`."""
        self._spent[terms] -= 1
        await self._writer.ask(partial(quotas.give_back, terms=terms, ago=ago))

    async def told(
        self, terms: Terms, remaining: int, limit: int | None, resets_in: float | None, period: str | None
    ) -> None:
        """Take over what an answer says of the quota; see `quotas.told`."""
        work = partial(quotas.told, terms=terms, remaining=remaining, limit=limit, resets_in=resets_in, period=period)
        await self._writer.ask(work)

    async def block(self, terms: Terms, seconds: float, reason: str) -> None:
        """Allow no calls for so many seconds; see `quotas.block`."""
        await self._writer.ask(partial(quotas.block, name=terms.name, seconds=seconds, reason=reason))
