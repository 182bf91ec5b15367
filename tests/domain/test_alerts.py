"""Alarms become few and short messages, and none is lost on the way."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from countersign.domain.alerts import MOST_BYTES, AlarmNote, alert_messages

BASE = "https://hr.example.cn"
START = datetime(2026, 2, 24, 2, tzinfo=UTC)
notes = st.lists(
    st.builds(
        lambda number, seconds, words, case: AlarmNote(
            str(number), case, words, START + timedelta(seconds=seconds)
        ),
        st.integers(0, 10**9),
        st.integers(0, 7200),
        st.text(max_size=600),
        st.sampled_from(["01CASE00000000000000000000", None]),
    ),
    max_size=60,
    unique_by=lambda note: note.alarm_id,
)


@given(notes, st.integers(1, 20))
def test_every_alarm_stands_in_exactly_one_message_that_any_robot_takes(
    given_notes: list[AlarmNote], room: int
) -> None:
    messages = alert_messages(given_notes, room, BASE)
    assert len(messages) <= room
    told = [alarm_id for message in messages for alarm_id in message.alarm_ids]
    assert sorted(told) == sorted(note.alarm_id for note in given_notes)
    assert all(len(f"{m.title}\n{m.body}".encode()) <= MOST_BYTES for m in messages)


def test_the_oldest_minutes_keep_their_own_message_and_the_rest_share_the_last() -> None:
    made = [AlarmNote(str(n), None, f"No. {n}.", START + timedelta(minutes=n)) for n in (2, 0, 1, 3)]
    messages = alert_messages(made, 3, BASE)
    assert [message.alarm_ids for message in messages] == [("0",), ("1",), ("2", "3")]
    assert messages[0].body == f"No. 0.\n{BASE}/api/v1/alarms"
    assert messages[2].title == "Countersign: 2 alarms more"
    assert "From 2026-02-24 10:02 to 2026-02-24 10:03 there were too many" in messages[2].body


def test_as_many_minutes_as_messages_need_no_summary() -> None:
    made = [AlarmNote(str(n), None, "Late.", START + timedelta(minutes=n)) for n in range(3)]
    assert [len(message.alarm_ids) for message in alert_messages(made, 3, BASE)] == [1, 1, 1]
