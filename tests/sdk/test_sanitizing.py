from __future__ import annotations

import base64
import json
import threading
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bifrost.sdk.sanitizing import REDACTED, Scrubber, cut, is_secret_key, redact_keys

SECRET = 'p@ss/w+rd "ü"\\\n end?'


def scrubber(*secrets: str) -> Scrubber:
    made = Scrubber()
    for secret in secrets:
        made.add(secret)
    return made


@pytest.mark.parametrize(
    "name",
    [
        "secret",
        "password",
        "token",
        "credential",
        "key",
        "secrets",
        "credentials",
        "api_keys",
        "apiKey",
        "APIKey",
        "API_KEY",
        "clientSecret",
        "client_secret",
        "CLIENT_SECRET",
        "db-password",
        "X-Api-Key",
        "accessToken",
        "refresh token",
        "privateKey",
        "password2",
        "token_1",
        "halopsa_api_key",
        "key",
    ],
)
def test_a_name_whose_last_word_is_secret_is(name):
    assert is_secret_key(name)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "1",
        "name",
        "keyboard",
        "monkey",
        "secretary",
        "token_count",
        "passwordLength",
        "key_name",
        "tokenizer",
        "primary_key",
        "primaryKey",
        "foreign_keys",
        "publicKey",
        "PUBLIC_KEY",
        "sort_key",
        "cacheKey",
    ],
)
def test_other_names_are_not(name):
    assert not is_secret_key(name)


def test_an_endless_name_is_judged_by_its_end():
    assert is_secret_key("x" * 1_000_000 + "_token")


def test_keys_are_redacted_at_every_depth():
    value = {"user": "ann", "auth": [{"apiKey": "abc"}, {"inner": {"password": {"old": 1}}}]}
    assert redact_keys(value) == {
        "user": "ann",
        "auth": [{"apiKey": REDACTED}, {"inner": {"password": REDACTED}}],
    }


def test_redacting_leaves_its_argument():
    value = {"a": [{"token": "x"}]}
    redact_keys(value)
    assert value == {"a": [{"token": "x"}]}


@pytest.mark.parametrize("value", [None, 1, "token", [], {}, {"a": [{"b": "c"}]}, {"primary_key": 7}])
def test_what_has_nothing_to_redact_is_returned_itself(value):
    assert redact_keys(value) is value


def test_what_is_redacted_already_stays_itself():
    value = redact_keys({"token": "x"})
    assert redact_keys(value) is value


@pytest.mark.parametrize("text", ["x" * 1_000, "short", ""])
def test_a_text_within_the_limit_is_not_cut(text):
    assert cut(text) is text


def test_a_long_text_is_cut_and_says_by_how_much():
    shown = cut({"a": "x" * 3_345})
    assert shown == {"a": "x" * 1_000 + "... (2,345 more characters)"}


def test_a_long_list_is_cut_and_says_by_how_much():
    shown = cut([list(range(1_100))])[0]
    assert shown[:100] == list(range(100))
    assert shown[100:] == ["... (1,000 more items)"]


def test_a_list_within_the_limit_is_not_cut():
    assert cut(list(range(100))) == list(range(100))


def test_without_secrets_a_value_is_returned_itself():
    value = {"a": ["b"]}
    assert Scrubber().scrub(value) is value


def test_a_value_without_the_secret_is_returned_itself():
    value = {"a": ["b", 1, None], "c": "hunter"}
    assert scrubber("hunter22").scrub(value) is value


def test_a_secret_is_replaced_in_texts_and_keys_at_every_depth():
    value = {"log": ["it is hunter22!", {"hunter22": 1}], "n": 3}
    assert scrubber("hunter22").scrub(value) == {"log": ["it is REDACTED!", {"REDACTED": 1}], "n": 3}


def test_scrubbing_leaves_its_argument():
    value = {"a": ["hunter22"]}
    scrubber("hunter22").scrub(value)
    assert value == {"a": ["hunter22"]}


def test_two_keys_that_become_one_keep_both_values():
    value = scrubber("hunter22", "swordfish").scrub({"hunter22": 1, "swordfish": 2})
    assert value == {"REDACTED": 1, "REDACTED'": 2}


@pytest.mark.parametrize("secret", ["", "a", "12345"])
def test_a_short_secret_is_not_searched_for(secret):
    assert scrubber(secret).scrub("a 12345 b") == "a 12345 b"


@pytest.mark.parametrize(
    "encoded",
    [
        SECRET,
        quote(SECRET),
        quote(SECRET, safe=""),
        quote_plus(SECRET),
        json.dumps(SECRET)[1:-1],
        json.dumps(SECRET, ensure_ascii=False)[1:-1],
        json.dumps(json.dumps(SECRET))[1:-1].strip('\\"'),
        json.dumps(json.dumps({"a": SECRET}, ensure_ascii=False)),
        repr(SECRET)[1:-1],
        base64.b64encode(SECRET.encode()).decode(),
        base64.urlsafe_b64encode(SECRET.encode()).decode().rstrip("="),
    ],
)
def test_a_secret_is_found_in_its_encodings(encoded):
    shown = scrubber(SECRET).scrub(f"<{encoded}>")
    assert REDACTED in shown
    assert "ss" not in shown and "end" not in shown and "BAc3" not in shown


def test_lower_case_percent_encoding_is_found():
    secret = "a/b+c=d&e"
    encoded = quote(secret, safe="").lower()
    assert scrubber(secret).scrub(encoded) == REDACTED


@pytest.mark.parametrize("before", [b"", b"u", b"us", b"user:", b"user1:", b"user12:"])
@pytest.mark.parametrize("after", [b"", b"!", b"!!"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_secret_is_found_wherever_it_begins_in_base64(before, after, encode):
    secret = "s3cr3t?>~~value"
    shown = scrubber(secret).scrub(encode(before + secret.encode() + after).decode())
    assert REDACTED in shown
    # What is left on either side holds at most parts of the first and last byte.
    assert len(shown) - len(REDACTED) <= len(base64.b64encode(before)) + len(base64.b64encode(after)) + 8


def test_overlapping_secrets_leave_nothing_of_either():
    assert scrubber("abcdefgh", "efghijkl").scrub("--abcdefghijkl--") == "--REDACTED--"


def test_a_secret_within_another_leaves_nothing_of_the_longer():
    assert scrubber("inner-secret", "the-inner-secret-longer").scrub("the-inner-secret-longer") == REDACTED


def test_a_secret_is_found_more_than_once():
    assert scrubber("hunter22").scrub("hunter22 hunter22hunter22") == "REDACTED REDACTEDREDACTED"


def test_a_secret_with_a_line_end_is_found_without_it():
    assert scrubber("hunter22\n").scrub("Bearer hunter22") == "Bearer REDACTED"


def test_a_secret_that_is_added_twice_changes_nothing():
    assert scrubber("hunter22", "hunter22").scrub("hunter22") == REDACTED


def test_secrets_added_from_many_threads_are_all_found():
    made = Scrubber()
    secrets = [f"secret-number-{number}" for number in range(50)]
    threads = [threading.Thread(target=made.add, args=(secret,)) for secret in secrets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(made.scrub(secret) == REDACTED for secret in secrets)


@given(st.text(min_size=6).filter(lambda text: len(text.strip()) >= 6), st.text(), st.text())
def test_no_text_shows_the_secret(secret, before, after):
    shown = scrubber(secret).scrub(before + secret + after)
    assert secret not in shown.replace(REDACTED, "\0")
