import asyncio

import pytest

from notifications.live.hub import BEAT_SECONDS, MAX_BEHIND, PIECE_BYTES, Follower, Hub, Key
from notifications.live.topics import PrivateTopic, PublicTopic
from tests.loops import run


def public(name="list"):
    return PublicTopic(name, str, dict, lambda *_: True, lambda *_: {}, lambda _: [])


def private(name="mine"):
    return PrivateTopic(name, lambda user, _words: user, dict, lambda *_: {})


def follower(**words):
    return Follower({name: Key(topic, name) for name, topic in words.items()}, None)


def taken(stream):
    """What the stream sends now, and whether it goes on. Fails where it would wait."""
    return run(asyncio.wait_for(stream.take(), timeout=5))


@pytest.fixture
def stream():
    return follower(here=public())


def test_frames_come_in_the_order_they_were_offered(stream):
    stream.start([])
    stream.offer(b"one ")
    stream.offer(b"two")

    assert taken(stream) == (b"one two", True)


def test_what_was_missed_comes_before_what_came_meanwhile(stream):
    stream.offer(b"newer")

    stream.start([b"missed "])

    assert taken(stream) == (b"missed newer", True)


def test_nothing_goes_out_before_the_start(stream):
    async def ask():
        taking = asyncio.create_task(stream.take())
        await asyncio.sleep(0)
        stream.offer(b"newer")
        await asyncio.sleep(0)
        waited = not taking.done()
        stream.start([b"first "])
        return waited, await taking

    assert run(ask()) == (True, (b"first newer", True))


def test_waiting_stream_wakes_for_a_frame(stream):
    stream.start([])

    async def ask():
        taking = asyncio.create_task(stream.take())
        await asyncio.sleep(0)
        stream.offer(b"late")
        return await taking

    assert run(ask()) == (b"late", True)


def test_slow_reader_is_let_go_and_what_waited_is_not_kept(stream):
    stream.start([])
    for _n in range(MAX_BEHIND + 50):
        stream.offer(b"frame")

    assert taken(stream) == (b"", False)


def test_reader_who_missed_much_is_no_slow_reader(stream):
    stream.start([b"missed "] * MAX_BEHIND * 2)
    stream.offer(b"new")

    sent, goes_on = taken(stream)

    assert sent.endswith(b"missed new")
    assert goes_on


def test_much_goes_out_in_pieces_so_that_no_buffer_holds_it_all(stream):
    frames = [bytes([number]) * PIECE_BYTES for number in range(3)]
    stream.start([b"a", *frames, b"z"])
    stream.end()
    pieces, goes_on = [], True
    while goes_on:
        piece, goes_on = taken(stream)
        pieces.append(piece)

    assert b"".join(pieces) == b"a" + b"".join(frames) + b"z"
    assert max(map(len, pieces)) == PIECE_BYTES


def test_slow_reader_that_catches_up_again_is_kept(stream):
    stream.start([])
    for _n in range(3):
        for _m in range(MAX_BEHIND):
            stream.offer(b".")
        assert taken(stream) == (b"." * MAX_BEHIND, True)


def test_end_says_why_after_what_waits_and_nothing_follows(stream):
    stream.start([])
    stream.offer(b"last ")
    stream.end("restart")
    stream.end("signed_out")
    stream.offer(b"too late")

    sent, goes_on = taken(stream)

    assert sent == b'last event: end\ndata: {"reason":"restart"}\n\n'
    assert not goes_on


def test_each_stream_beats_once_in_a_round():
    hub = Hub()
    streams = [follower(here=public()) for _n in range(BEAT_SECONDS + 3)]
    for each in streams:
        each.start([])
        hub.add(each)

    for _second in range(BEAT_SECONDS):
        hub.beat(7)

    assert {taken(each) for each in streams} == {(b"id: 7\nevent: beat\ndata: {}\n\n", True)}


def test_same_topic_and_argument_is_one_key_for_all_who_follow_it():
    hub, topic = Hub(), public()
    first, second = follower(here=topic), follower(here=topic)
    hub.add(first)
    hub.add(second)

    assert hub.followed_public() == {(topic, "here", False): {first, second}}


def test_private_topics_are_told_apart_from_public_ones():
    hub, mine = Hub(), private()
    person = follower(here=public(), me=mine)
    hub.add(person)

    assert hub.followed_private() == {Key(mine, "me"): {person}}


def test_nothing_is_followed_after_the_last_one_left():
    hub = Hub()
    person = follower(here=public(), me=private())
    hub.add(person)

    hub.remove(person)

    assert hub.followed_public() == {}
    assert hub.followed_private() == {}
    for _second in range(BEAT_SECONDS):
        hub.beat(1)
    person.start([])
    person.offer(b"only this")
    assert taken(person) == (b"only this", True)
