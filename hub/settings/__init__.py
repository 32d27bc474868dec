"""Typed settings: config/*.toml and the environment, read once at start. A missing or contradictory one refuses."""

from hub.settings.load import ServerPlaces, data_dir_of, load_places, load_settings, prepare_sandbox
from hub.settings.problems import SettingsError
from hub.settings.slack import SlackSettings
from hub.settings.values import Clinic, Interest, Processor, Settings

__all__ = [
    "Clinic",
    "Interest",
    "Processor",
    "ServerPlaces",
    "Settings",
    "SettingsError",
    "SlackSettings",
    "data_dir_of",
    "load_places",
    "load_settings",
    "prepare_sandbox",
]
