"""The measuring itself: what a benchmark's readers hear, and what counts as lost."""

import uuid

import pytest

from benchmarks.changing import Commit
from benchmarks.crowd import Heard, Place, Reader, Room
from benchmarks.stream_delay import delays_of, last_states_missing

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
BEAT = b"id: 8\nevent: beat\ndata: {}\n\n"
PRIVATE = b'event: private\ndata: {"topic":"mine"}\n\n'
FIRST, SECOND = uuid.UUID(int=1), uuid.UUID(int=2)


def public(number):
    return b'id: %d\nevent: public\ndata: {"topic":"list","html":"<p id=day> "}\n\n' % number


def chunked(*frames):
    data = b"".join(frames)
    return b"%x\r\n%b\r\n" % (len(data), data)


STREAM = (
    HEAD
    + chunked(b"retry: 3000\n\n")
    + chunked(public(7))
    + chunked(PRIVATE, public(9), public(10))
    + chunked(BEAT)
    + chunked(public(123456))
)


def hearing(*pieces):
    reader = Reader(Room(), Place("/live/?topic=list::"))
    for piece in pieces:
        reader.data_received(piece)
    return reader


def heard(*commits_and_times):
    found = Heard()
    for number, at in commits_and_times:
        found.ids.append(number)
        found.times.append(at)
    return found


def test_frames_are_heard_wherever_the_network_cuts_them():
    for cut in range(len(STREAM)):
        reader = hearing(STREAM[:cut], STREAM[cut:])

        assert list(reader.heard.ids) == [7, 9, 10, 123456], cut
        assert (reader.private_frames, reader.last_id) == (1, b"123456"), cut


def test_half_a_frame_is_not_heard_yet():
    assert list(hearing(STREAM[:-10]).heard.ids) == [7, 9, 10]


def test_delays_are_from_the_commit_to_each_reader():
    commits = [Commit(1, FIRST, at=10.0), Commit(2, SECOND, at=11.0)]

    delays = delays_of(commits, [heard((1, 10.5), (2, 11.25)), heard((2, 12.0))])

    assert delays == [0.5, 0.25, 1.0]


@pytest.mark.parametrize(
    ("ids", "missing"),
    [([1, 2, 3], 0), ([2, 3], 0), ([1, 2], 1), ([], 2)],
)
def test_only_the_last_state_of_each_followed_event_must_be_heard(ids, missing):
    commits = [Commit(1, FIRST, 0.0), Commit(2, SECOND, 0.0), Commit(3, FIRST, 0.0)]
    reader = heard(*((number, 1.0) for number in ids))

    assert last_states_missing(commits, [{FIRST, SECOND}], [reader]) == missing


def test_nothing_is_missing_of_what_a_reader_does_not_follow():
    commits = [Commit(1, FIRST, 0.0), Commit(2, SECOND, 0.0)]

    assert last_states_missing(commits, [{FIRST}], [heard((1, 1.0))]) == 0
