"""The settings: what is read, and that all that is wrong is said at once."""

from __future__ import annotations

import base64
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hub.model.address import Address, AddressClass
from hub.model.sealed import Sealed
from hub.settings import Settings, SettingsError, load_settings, prepare_sandbox

SHIPPED = Path(__file__).parents[2] / "config"
KEY = base64.b64encode(b"k" * 32).decode()
ENVIRON = {"HUB_PEPPER": f"1:{KEY}", "HUB_SECRET_KEY": KEY, "HUB_PUBLIC_URL": "https://hub.example", "HUB_DATA_DIR": "/nowhere"}
TWILIO = """
[[account]]
id = "sms-main"
adapter = "sms_twilio"
sender = "+447700900999"
processor = "own-systems"
options = { account_sid = "AC1" }
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return Path(shutil.copytree(SHIPPED, tmp_path / "config"))


def change(config: Path, name: str, edit: Callable[[str], str]) -> Path:
    path = config / name
    before = path.read_text()
    path.write_text(edit(before))
    assert path.read_text() != before
    return config


def append(config: Path, name: str, text: str) -> Path:
    return change(config, name, lambda before: before + text)


def problems(environ: dict[str, str], config: Path) -> tuple[str, ...]:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ, config)
    return caught.value.problems


def only_problem(environ: dict[str, str], config: Path) -> str:
    found = problems(environ, config)
    assert len(found) == 1, found
    return found[0]


def test_the_shipped_settings_are_good() -> None:
    settings = load_settings(ENVIRON, SHIPPED)
    assert settings.clinic.legal_name == "Fenwick Lane Clinic Ltd"
    assert [interest.id for interest in settings.interests] == ["skincare", "laser", "body", "events"]
    assert settings.interests[0].label("zh-Hans") == "皮肤护理"
    assert settings.interests[0].label("fr") == "Skincare"
    assert list(settings.accounts) == ["form"]
    assert (settings.host, settings.port, settings.sandbox) == ("127.0.0.1", 8080, False)


def test_nothing_secret_is_printed() -> None:
    settings = load_settings(ENVIRON | {"DATABASE_URL": "postgresql://hub:geheim@db/hub", "REDIS_URL": "redis://:geheim@q/0"}, SHIPPED)
    assert settings.database_url == "postgresql://hub:geheim@db/hub"
    assert "geheim" not in repr(settings)
    assert KEY not in repr(settings)


def test_everything_wrong_is_said_at_once(config: Path) -> None:
    change(config, "clinic.toml", lambda text: text.replace('company_number = "00000000"', 'company_number = " "'))
    (config / "interests.toml").unlink()
    append(config, "policy.toml", "\nunanswerd_turns = 1\n")
    found = problems({"HUB_PORT": "99999", "HUB_SANDBOX": "perhaps"}, config)
    said = "\n".join(found)
    for part in (
        "HUB_PORT must be",
        "HUB_SANDBOX must be",
        "HUB_PEPPER is not set",
        "HUB_SECRET_KEY is not set",
        "HUB_PUBLIC_URL is not set",
        "blank company_number",
        "interests.toml is missing",
        "unknown setting unanswerd_turns",
    ):
        assert part in said
    assert all(line.endswith(".") for line in found)


@pytest.mark.parametrize(
    "field",
    ["legal_name", "company_number", "registered_office", "regulator_number", "telephone", "stop_address", "data_addresses", "locales"],
)
@pytest.mark.parametrize("blank", ['""', "[]", None])
def test_a_blank_clinic_field_refuses(config: Path, field: str, blank: str | None) -> None:
    def edit(text: str) -> str:
        lines = [line for line in text.splitlines() if not line.startswith(f"{field} =")]
        return "\n".join(lines + ([f"{field} = {blank}"] if blank else []))

    change(config, "clinic.toml", edit)
    assert any(field in problem for problem in problems(ENVIRON, config))


def test_one_data_address_is_not_enough(config: Path) -> None:
    change(config, "clinic.toml", lambda text: text.replace(', "data@fenwicklane-clinic.example"', ""))
    assert "both data@ addresses" in only_problem(ENVIRON, config)


def test_an_unknown_time_zone_is_refused(config: Path) -> None:
    change(config, "clinic.toml", lambda text: text.replace("Europe/London", "Europe/Marlow"))
    assert "time_zone" in only_problem(ENVIRON, config)


def test_a_file_that_is_not_toml_is_named(config: Path) -> None:
    append(config, "clinic.toml", "\nlegal_name\n")
    assert "clinic.toml is not TOML" in problems(ENVIRON, config)[0]


def test_an_interest_without_a_name_in_every_language_is_refused(config: Path) -> None:
    append(config, "interests.toml", '\n[[interest]]\nid = "hair"\nhealth = true\nlabels = { en = "Hair" }\n')
    assert only_problem(ENVIRON, config) == "interests.toml, entry 5, labels has no zh-Hans."


def test_an_account_gets_its_secrets_from_the_environment(config: Path, tmp_path: Path) -> None:
    append(config, "channels.toml", TWILIO)
    (tmp_path / "second").write_text("two\n")
    given = {"HUB_SMS_MAIN_AUTH_TOKEN": "one", "HUB_SMS_MAIN_AUTH_TOKEN_SECONDARY_FILE": str(tmp_path / "second")}
    account = load_settings(ENVIRON | given, config).accounts["sms-main"]  # type: ignore[index]
    assert {name: value.reveal() for name, value in account.secrets.items()} == {"auth_token": "one", "auth_token_secondary": "two"}
    assert account.public_url == "https://hub.example"


def test_a_secret_that_is_not_set_refuses(config: Path) -> None:
    append(config, "channels.toml", TWILIO)
    assert only_problem(ENVIRON, config) == (
        "The account sms-main needs its auth_token: set HUB_SMS_MAIN_AUTH_TOKEN, or HUB_SMS_MAIN_AUTH_TOKEN_FILE."
    )
    assert "needs its auth_token" in only_problem(ENVIRON | {"HUB_SMS_MAIN_AUTH_TOKEN": "  "}, config)


@pytest.mark.parametrize(
    "line", ['auth_token = "abc"', 'options = { account_sid = "AC1", api_key_secret = "abc" }', 'options = { password = "abc" }']
)
def test_a_secret_written_in_the_file_is_refused(config: Path, line: str) -> None:
    entry = TWILIO if not line.startswith("options") else TWILIO.replace('options = { account_sid = "AC1" }\n', "")
    append(config, "channels.toml", entry + line + "\n")
    found = problems(ENVIRON | {"HUB_SMS_MAIN_AUTH_TOKEN": "one"}, config)
    assert any("holds the secret" in problem and "HUB_SMS_MAIN_" in problem for problem in found)
    assert not any("abc" in problem for problem in found)


def test_a_secret_given_twice_or_from_a_missing_file_is_refused(config: Path, tmp_path: Path) -> None:
    append(config, "channels.toml", TWILIO)
    gone = {"HUB_SMS_MAIN_AUTH_TOKEN_FILE": str(tmp_path / "gone")}
    assert any("AUTH_TOKEN_FILE names cannot be read" in problem for problem in problems(ENVIRON | gone, config))
    assert any("both set" in problem for problem in problems(ENVIRON | gone | {"HUB_SMS_MAIN_AUTH_TOKEN": "one"}, config))


def test_the_secrets_of_two_accounts_whose_names_begin_alike_stay_apart(config: Path) -> None:
    append(config, "channels.toml", TWILIO + TWILIO.replace("sms-main", "sms"))
    given = {"HUB_SMS_AUTH_TOKEN": "short", "HUB_SMS_MAIN_AUTH_TOKEN": "long"}
    accounts = load_settings(ENVIRON | given, config).accounts
    assert set(accounts["sms"].secrets) == {"auth_token"}  # type: ignore[index]


def test_an_account_without_a_registered_processor_is_refused(config: Path) -> None:
    append(config, "channels.toml", TWILIO.replace("own-systems", "twilio"))
    assert "processor twilio, which is not in processors.toml" in only_problem(ENVIRON | {"HUB_SMS_MAIN_AUTH_TOKEN": "one"}, config)


def test_an_unknown_adapter_and_a_repeated_account_are_refused(config: Path) -> None:
    append(config, "channels.toml", TWILIO.replace("sms_twilio", "pigeon"))
    problem = only_problem(ENVIRON, config)
    assert "one of these adapters" in problem
    assert "sms_twilio" in problem
    change(config, "channels.toml", lambda text: text.replace("pigeon", "sms_twilio") + TWILIO)
    assert "id sms-main twice" in only_problem(ENVIRON | {"HUB_SMS_MAIN_AUTH_TOKEN": "one"}, config)


def test_no_account_calls_itself_a_sandbox_by_an_option(config: Path) -> None:
    append(config, "channels.toml", TWILIO.replace('"AC1"', '"AC1", sandbox = true'))
    assert "has a sandbox" in only_problem(ENVIRON | {"HUB_SMS_MAIN_AUTH_TOKEN": "one"}, config)


def sandboxed(data_dir: Path, **more: str) -> Settings:
    environ = {"HUB_DATA_DIR": str(data_dir), "HUB_SANDBOX": "on"} | more
    prepare_sandbox(environ, SHIPPED)
    return load_settings(environ, SHIPPED)


def test_the_sandbox_makes_its_own_secrets_once_and_for_us_alone(tmp_path: Path) -> None:
    address = Address(kind=AddressClass.PHONE, value=Sealed("+447700900001"))
    first, second = sandboxed(tmp_path), sandboxed(tmp_path)
    assert first.hasher.hash(address) == second.hasher.hash(address)
    assert (tmp_path / "secrets.toml").stat().st_mode & 0o777 == 0o600
    assert set(first.accounts) > {"form", "sms-sandbox", "whatsapp-sandbox"}
    assert {account.options.get("sandbox", False) for id, account in first.accounts.items() if id != "form"} == {True}
    assert first.public_url == "http://127.0.0.1:8080"


def test_sandbox_accounts_talk_to_the_sandbox_wherever_it_listens(tmp_path: Path) -> None:
    settings = sandboxed(tmp_path, HUB_SANDBOX_PORT="9001")
    options = settings.accounts["sms-sandbox"].options  # type: ignore[index]
    assert options["api_base_url"] == "http://127.0.0.1:9001"
    assert options["sandbox"] is True


def test_the_sandboxs_secrets_are_not_used_without_it(tmp_path: Path) -> None:
    sandboxed(tmp_path)
    found = problems({"HUB_DATA_DIR": str(tmp_path), "HUB_PUBLIC_URL": "https://hub.example"}, SHIPPED)
    assert [problem.split()[0] for problem in found] == ["HUB_PEPPER", "HUB_SECRET_KEY"]


def test_the_sandbox_is_for_this_machine_alone(tmp_path: Path) -> None:
    prepare_sandbox({"HUB_DATA_DIR": str(tmp_path)}, SHIPPED)
    environ = {"HUB_DATA_DIR": str(tmp_path), "HUB_SANDBOX": "on", "HUB_SANDBOX_HOST": "0.0.0.0"}
    assert "HUB_SANDBOX_HOST" in only_problem(environ, SHIPPED)


@pytest.mark.parametrize("url", ["http://hub.example", "hub.example", "https://hub.example/?a=1"])
def test_a_public_address_in_clear_or_malformed_is_refused(url: str) -> None:
    assert "HUB_PUBLIC_URL" in only_problem(ENVIRON | {"HUB_PUBLIC_URL": url}, SHIPPED)


@pytest.mark.parametrize("pepper", ["", "1", "1:short", f"x:{KEY}", f"0:{KEY}", f"1:{KEY},1:{KEY}", f"1:{KEY},", f"１:{KEY}"])
def test_a_pepper_that_is_not_whole_is_refused_without_being_repeated(pepper: str) -> None:
    said = only_problem(ENVIRON | {"HUB_PEPPER": pepper}, SHIPPED)
    assert said.startswith("HUB_PEPPER")
    assert KEY not in said


def test_the_newest_pepper_writes_and_the_older_ones_still_find() -> None:
    other = base64.b64encode(b"o" * 40).decode()
    old = load_settings(ENVIRON, SHIPPED).hasher
    both = load_settings(ENVIRON | {"HUB_PEPPER": f"2:{other},1:{KEY}"}, SHIPPED).hasher
    address = Address(kind=AddressClass.PHONE, value=Sealed("+447700900001"))
    assert both.key_id == 2
    assert old.hash(address) in both.hashes(address)


def test_a_short_secret_key_is_refused() -> None:
    assert "at least 32 bytes" in only_problem(ENVIRON | {"HUB_SECRET_KEY": base64.b64encode(b"short").decode()}, SHIPPED)


@pytest.mark.parametrize(("name", "url"), [("DATABASE_URL", "mysql://db/hub"), ("REDIS_URL", "http://q")])
def test_a_url_of_another_kind_of_server_is_refused_without_being_repeated(name: str, url: str) -> None:
    said = only_problem(ENVIRON | {name: url}, SHIPPED)
    assert said.startswith(name)
    assert url not in said


def test_a_stricter_number_is_free(config: Path) -> None:
    append(config, "policy.toml", "\ncap_7d = 1\nquiet_weekday = [10, 18]\nmarketing_countries = []\n")
    policy = load_settings(ENVIRON, config).policy
    assert (policy.cap_7d, policy.quiet_weekday, policy.marketing_countries) == (1, (10, 18), frozenset())


@pytest.mark.parametrize(
    "line",
    [
        "cap_7d = 3",
        "quiet_weekday = [8, 20]",
        "soft_optin = true",
        'marketing_countries = ["GB", "FR"]',
        "window_margin_min = 0",
        "doi_every_days = 30",
    ],
)
def test_a_looser_number_needs_its_reason(config: Path, line: str) -> None:
    append(config, "policy.toml", f"\n{line}\n")
    name = line.split()[0]
    assert "looser than the policy" in only_problem(ENVIRON, config)
    append(config, "policy.toml", f'[loosened.{name}]\nreason = "asked for"\nby = "data protection contact"\non = 2026-11-01\n')
    load_settings(ENVIRON, config)


def test_numbers_out_of_range_are_refused(config: Path) -> None:
    append(config, "policy.toml", '\ndormant_days = -1\nquiet_sunday = [18, 10]\ncap_30d = "six"\n')
    assert len(problems(ENVIRON, config)) == 3
