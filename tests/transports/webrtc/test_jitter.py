"""When packets are heard, by what the network did to them."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from antiphon.transports.webrtc.jitter import Gap, JitterBuffer
from tests.transports.webrtc.streams import (
    PATIENCE,
    STEP,
    Arrival,
    delays,
    listen,
    numbers,
    on_time,
    packet,
)

SECONDS = 50  # packets


def test_the_first_packet_is_heard_at_once() -> None:
    buffer = JitterBuffer()

    buffer.put(packet(0), 1_000)

    assert buffer.take(1_000) == packet(0)


def test_packets_that_come_evenly_do_not_wait() -> None:
    heard = listen(JitterBuffer(), on_time(200, delay=3_000), until=200 * STEP - 1)

    assert set(delays(heard)) == {3_000}
    assert numbers(heard) == list(range(200))


def test_a_lost_packet_is_concealed_once_and_delays_nothing() -> None:
    arrivals = [a for a in on_time(100) if a.number != 50]

    heard = listen(JitterBuffer(), arrivals, until=100 * STEP - 1)

    assert [(one.at, one.duration) for one in heard if one.number is None] == [
        (50 * STEP + PATIENCE, STEP)
    ]
    assert set(delays(heard)) == {0}


def test_many_lost_packets_are_each_concealed_in_their_time() -> None:
    arrivals = [a for a in on_time(100) if not 50 <= a.number < 58]

    heard = listen(JitterBuffer(), arrivals, until=100 * STEP - 1)

    gaps = [one.at for one in heard if one.number is None]
    assert gaps == [(50 + n) * STEP + PATIENCE for n in range(8)]
    assert set(delays(heard)) == {0}


def test_a_packet_late_by_less_than_the_patience_is_heard_when_it_comes() -> None:
    arrivals = on_time(100)
    arrivals[50] = Arrival(50 * STEP + 7_000, 50)

    heard = listen(JitterBuffer(), arrivals, until=100 * STEP - 1)

    assert numbers(heard) == list(range(100))
    assert delays(heard)[50] == 7_000
    assert max(delays(heard)[51:]) < 1_000


def test_when_everything_stops_for_a_while_nothing_of_it_is_lost() -> None:
    stop, length = 50, 100_000
    arrivals = [
        a if a.number < stop else Arrival(max(a.at, stop * STEP + length), a.number)
        for a in on_time(200)
    ]

    heard = listen(JitterBuffer(), arrivals, until=200 * STEP - 1)

    assert numbers(heard)[:150] == list(range(150))
    assert max(delays(heard)) <= length + STEP


def test_the_delay_of_a_stop_is_caught_up_within_two_seconds() -> None:
    stop, length = 50, 100_000
    arrivals = [
        a if a.number < stop else Arrival(max(a.at, stop * STEP + length), a.number)
        for a in on_time(300)
    ]

    heard = listen(JitterBuffer(), arrivals, until=300 * STEP - 1, shortens=5_000)

    assert max(delays(heard)[stop + 2 * SECONDS :]) <= 5_000


def test_the_delay_grows_to_what_jitter_needs_and_shrinks_when_it_is_over() -> None:
    shaken = [0, 30_000, 12_000, 25_000, 4_000]
    arrivals = [
        Arrival(a.at + (shaken[a.number % 5] if a.number < 250 else 0), a.number)
        for a in on_time(500)
    ]

    heard = listen(JitterBuffer(), arrivals, until=500 * STEP - 1, shortens=5_000)

    assert not [one for one in heard if one.number is None and one.at > STEP * 2 * SECONDS]
    assert set(delays(heard)[200:240]) <= set(range(20_000, 38_001))
    assert max(delays(heard)[250 + 3 * SECONDS :]) <= 5_000


def test_a_packet_after_its_time_was_filled_is_not_heard() -> None:
    arrivals = on_time(100)
    arrivals[50] = Arrival(50 * STEP + 45_000, 50)
    buffer = JitterBuffer()

    heard = listen(buffer, arrivals, until=100 * STEP - 1)

    assert numbers(heard) == [*range(50), *range(51, 100)]
    assert buffer.late == 1


def test_what_was_concealed_since_later_packets_had_come_is_not_heard_as_well() -> None:
    buffer = JitterBuffer()
    buffer.put(packet(0), 30_000)
    assert buffer.take(30_000) == packet(0)
    buffer.put(packet(2), 40_000)
    assert buffer.take(50_000 + PATIENCE) == Gap(STEP, 0)

    buffer.put(packet(1), 59_000)

    assert buffer.take(59_000) is None
    assert buffer.take(70_000) == packet(2)
    assert buffer.late == 1


def test_where_packets_overtake_each_other_all_are_soon_heard_in_order() -> None:
    arrivals = [Arrival(a.at + 30_000 * (a.number % 2), a.number) for a in on_time(200)]

    heard = listen(JitterBuffer(), arrivals, until=200 * STEP - 1)

    said = numbers(heard)
    assert said == sorted(said)
    assert said[-100:] == list(range(said[-1] - 99, said[-1] + 1))


def test_a_duplicate_is_heard_once() -> None:
    arrivals = [a for a in on_time(20) for _ in range(2)]

    heard = listen(JitterBuffer(), arrivals, until=20 * STEP - 1)

    assert numbers(heard) == list(range(20))


def test_while_nothing_comes_the_stream_goes_on_as_a_gap() -> None:
    heard = listen(JitterBuffer(), on_time(10), until=30 * STEP)

    gaps = [one.at for one in heard if one.number is None]
    assert gaps == [n * STEP + PATIENCE for n in range(10, 30)]


def test_after_a_pause_of_the_sender_its_time_goes_on() -> None:
    arrivals = [Arrival(a.at, a.number) for a in on_time(200) if not 50 <= a.number < 150]
    buffer = JitterBuffer()

    # As with DTX: the RTP time jumps, the sequence numbers do not.
    heard: list[tuple[int, int]] = []
    for index, arrival in enumerate(arrivals):
        while (deadline := buffer.deadline) is not None and deadline < arrival.at:
            buffer.take(deadline)
        buffer.put(packet(arrival.number)._replace(sequence=index), arrival.at)
        due = buffer.take(arrival.at)
        assert due is not None
        heard.append((arrival.at, arrival.number))

    assert buffer.excess == 0
    assert len(heard) == 100


def test_more_than_the_longest_delay_is_forgotten_and_the_newest_heard() -> None:
    stop = 3_000_000
    arrivals = [a if a.number < 50 else Arrival(max(a.at, stop), a.number) for a in on_time(300)]
    buffer = JitterBuffer(longest=400_000)

    heard = listen(buffer, arrivals, until=300 * STEP - 1)

    assert max(delays(heard)[60:]) <= 400_000 + STEP
    assert buffer.skipped > 1_000_000


def test_a_stream_that_begins_anew_is_heard_at_once() -> None:
    buffer = JitterBuffer()
    listen(buffer, on_time(100), until=100 * STEP - 1)

    buffer.put(packet(0, sequence=40_000, timestamp=3_000_000_000), 100 * STEP)

    assert buffer.take(100 * STEP) is not None


def test_a_clock_that_runs_fast_or_slow_is_followed_without_a_loss() -> None:
    for drift in (-100, 100):  # millionths, as quartzes have
        arrivals = [Arrival(a.at + a.at * drift // 1_000_000, a.number) for a in on_time(30_000)]

        heard = listen(JitterBuffer(), arrivals, until=arrivals[-1].at, shortens=5_000)

        assert numbers(heard)[:29_999] == list(range(29_999))
        waits = [one.at - arrivals[one.number].at for one in heard if one.number is not None]
        assert max(waits) <= 6_000


networks = st.lists(
    st.tuples(st.sampled_from([0, 0, 0, 1]), st.integers(0, 60_000), st.sampled_from([1, 1, 1, 2])),
    min_size=1,
    max_size=120,
)


def through(network: list[tuple[int, int, int]]) -> list[Arrival]:
    """Each packet is lost, late by so much, or comes so many times."""
    return [
        Arrival(number * STEP + late + 1_000 * copy, number)
        for number, (lost, late, copies) in enumerate(network)
        if not lost
        for copy in range(copies)
    ]


@given(network=networks, sequence=st.integers(0, 65_535), timestamp=st.integers(0, 2**32 - 1))
def test_whatever_the_network_does(
    network: list[tuple[int, int, int]], sequence: int, timestamp: int
) -> None:
    buffer = JitterBuffer()
    arrivals = through(network)

    heard = listen(
        buffer,
        arrivals,
        until=len(network) * STEP + 500_000,
        sequence=sequence,
        timestamp=timestamp,
        shortens=5_000,
    )

    said = numbers(heard)
    assert said == sorted(set(said)), "in order, and each once"
    assert all(one.duration > 0 for one in heard)
    came = {a.at: a.number for a in arrivals}
    for one in heard:
        if one.number is not None:
            assert one.at >= min(at for at, number in came.items() if number == one.number)
    assert len(said) + buffer.late >= len({a.number for a in arrivals}) - 1


@given(network=networks)
def test_the_sound_never_stands_still_and_never_piles_up(
    network: list[tuple[int, int, int]],
) -> None:
    heard = listen(
        JitterBuffer(), through(network), until=len(network) * STEP + 500_000, shortens=5_000
    )

    for one, following in pairwise(heard):
        assert following.at - one.at <= one.duration + PATIENCE
    if heard:
        said = sum(one.duration for one in heard)
        passed = heard[-1].at - heard[0].at
        assert abs(said - passed) <= 3 * STEP + PATIENCE


@given(
    garbage=st.lists(
        st.tuples(
            st.integers(0, 65_535),
            st.integers(0, 2**32 - 1),
            st.sampled_from([120, 960, 5760]),
            st.integers(0, 200_000),
        ),
        max_size=400,
    )
)
def test_nonsense_is_bounded_and_always_answered(garbage: list[tuple[int, int, int, int]]) -> None:
    buffer = JitterBuffer(capacity=64)
    now = 0
    for sequence, timestamp, samples, pause in garbage:
        now += pause
        buffer.put(packet(0)._replace(sequence=sequence, timestamp=timestamp, samples=samples), now)
        assert len(buffer) <= 65
        steps = 0
        while buffer.take(now) is not None:
            steps += 1
            assert steps < 10_000
