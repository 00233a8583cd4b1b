import time_machine


def test_access_token_ends_after_five_minutes_and_refresh_gives_another(program_of, attendee, now):
    caller = program_of(attendee)

    with time_machine.travel(now.timestamp() + 301):
        ended = caller.call("GET", "/me")
        answer = caller.call(
            "POST",
            "/auth/app/v1/tokens/refresh",
            {"refresh_token": caller.refresh_token},
            headers={"Authorization": ""},
        )
        caller.token = answer.json()["data"]["access_token"]
        renewed = caller.call("GET", "/me")

    assert (ended.status_code, renewed.status_code) == (401, 200)


def test_refresh_token_ends_after_two_weeks(program_of, attendee, now):
    caller = program_of(attendee)

    with time_machine.travel(now.timestamp() + 14 * 24 * 3600 + 1):
        answer = caller.call(
            "POST", "/auth/app/v1/tokens/refresh", {"refresh_token": caller.refresh_token}
        )

    assert answer.status_code == 400
