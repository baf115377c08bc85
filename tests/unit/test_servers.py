"""Who gets the next call, who is left out, and for how long: by a clock that the test moves."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from ace_cli.llm.base import PermanentError, RequestError, TransientError
from ace_cli.llm.servers import FIRST_PAUSE, LONGEST_PAUSE, STRIKES, Servers


class Room:
    """Servers a, b, c ... that fail as ``ill`` says, and what was asked and told."""

    def __init__(self, names: str) -> None:
        self.now = 0.0
        self.ill: dict[str, Exception] = {}
        self.asked: list[str] = []
        self.told: list[str] = []
        self.servers = Servers(
            [(f"http://{name}/v1", name) for name in names], self.told.append, lambda: self.now
        )

    async def once(self, name: str) -> str:
        self.asked.append(name)
        if name in self.ill:
            raise self.ill[name]
        return name

    def ask(self) -> str:
        return asyncio.run(self.servers.ask(self.once))

    def who(self) -> str:
        """Who is asked by one call, in order."""
        del self.asked[:]
        try:
            self.ask()
        except TransientError:
            self.asked.append("!")
        return "".join(self.asked)


def down(**more: Any) -> TransientError:
    return TransientError("m: no connection", kind="connection", **more)


def test_the_server_with_fewest_calls_in_flight_is_next() -> None:
    async def scene() -> list[str]:
        room, gates, order = Room("ab"), [asyncio.Event() for _ in range(4)], []

        def waiting(gate: asyncio.Event) -> Callable[[str], Awaitable[str]]:
            async def once(name: str) -> str:
                order.append(name)
                await gate.wait()
                return name

            return once

        calls = [asyncio.create_task(room.servers.ask(waiting(gate))) for gate in gates[:3]]
        await asyncio.sleep(0)  # a has two, b one
        gates[0].set()
        gates[2].set()
        await asyncio.gather(calls[0], calls[2])
        gates[3].set()
        await room.servers.ask(waiting(gates[3]))
        gates[1].set()
        await calls[1]
        return order

    assert asyncio.run(scene()) == ["a", "b", "a", "a"]


def test_a_server_that_is_down_is_tried_again_after_pauses_that_grow() -> None:
    room = Room("ab")
    room.ill["a"] = down()
    assert room.who() == "ab"
    pause, tried = FIRST_PAUSE, []
    while room.now < 1000:
        room.now += pause * 0.99
        assert room.who() == "b"
        room.now += pause * 0.02
        tried.append(room.who())
        pause = min(LONGEST_PAUSE, pause * 2)
    assert set(tried) == {"ab"}, "the call that finds it down is answered by the other"
    assert len(room.told) == 1
    del room.ill["a"]
    room.now += LONGEST_PAUSE
    assert room.who() == "a"
    assert room.told[1:] == ["http://a/v1 is back"]


def test_one_call_alone_tries_a_server_that_may_be_back() -> None:
    async def scene() -> list[str]:
        room = Room("ab")
        room.ill["a"] = down()
        await room.servers.ask(room.once)
        room.now += FIRST_PAUSE
        gate, asked = asyncio.Event(), []

        async def hanging(name: str) -> str:
            asked.append(name)
            await gate.wait()
            return name

        calls = [asyncio.create_task(room.servers.ask(hanging)) for _ in range(5)]
        await asyncio.sleep(0)
        gate.set()
        await asyncio.gather(*calls)
        return asked

    assert asyncio.run(scene()) == ["a", "b", "b", "b", "b"]


def test_when_all_are_out_the_call_fails_with_the_shortest_wait() -> None:
    room = Room("abc")
    room.ill = {
        "a": down(retry_after=30.0),
        "b": down(),
        "c": TransientError("m: rate limit", kind="rate_limit", retry_after=3600.0),
    }
    with pytest.raises(TransientError) as raised:
        room.ask()
    assert raised.value.message == "m: no connection (at http://b/v1)"
    assert raised.value.retry_after is None
    assert room.who() == "b!", "the one that is due first is asked, once"
    del room.ill["b"]
    assert room.who() == "b"


def test_a_rate_limit_rests_a_server_as_long_as_it_asks_and_is_told_once() -> None:
    room = Room("ab")
    for _ in range(3):
        room.ill["a"] = TransientError("m: rate limit", kind="rate_limit", retry_after=5.0)
        assert "a" in room.who() + room.who()
        del room.ill["a"]
        room.now += 4.9
        assert room.who() == "b"
        room.now += 0.2
        assert "a" in room.who() + room.who()
    assert len(room.told) == 1
    assert "rests when it asks to" in room.told[0]


def test_a_failure_that_may_be_the_requests_own_is_raised_and_a_server_with_many_is_left_out() -> None:
    room = Room("ab")
    room.ill["a"] = TransientError("m: the provider failed", kind="server_error", endpoint=False)
    seen = [room.who() for _ in range(STRIKES * 2)]
    assert seen.count("a!") == STRIKES
    assert [room.who() for _ in range(4)] == ["b"] * 4


def test_a_reply_that_was_paid_for_says_nothing_against_its_server() -> None:
    room = Room("ab")
    room.ill["a"] = TransientError("m: unreadable", kind="bad_body", endpoint=False, paid=True)
    assert [room.who() for _ in range(20)].count("a!") == 10


@pytest.mark.parametrize("kind", [PermanentError, RequestError])
def test_what_another_try_does_not_get_over_is_raised_as_it_is(kind: Any) -> None:
    room = Room("ab")
    room.ill["a"] = kind("m: refused", "a hint", kind="auth")
    with pytest.raises(kind) as raised:
        room.ask()
    assert (raised.value.message, raised.value.hint) == ("m: refused (at http://a/v1)", "a hint")
    assert not room.told


def test_calls_that_were_in_flight_when_it_died_lengthen_no_pause() -> None:
    async def scene() -> tuple[Room, list[str]]:
        room, gate = Room("ab"), asyncio.Event()

        async def dying(name: str) -> str:
            if name == "a":
                await gate.wait()
                room.now += 0.01
                raise down()
            return name

        calls = [asyncio.create_task(room.servers.ask(dying)) for _ in range(12)]
        await asyncio.sleep(0)
        gate.set()
        return room, await asyncio.gather(*calls)

    room, answered = asyncio.run(scene())
    assert set(answered) == {"b"}
    assert len(room.told) == 1
    room.now += FIRST_PAUSE
    assert room.who() == "a"
