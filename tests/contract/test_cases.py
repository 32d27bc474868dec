"""Recorded deliveries, one file per case: signed, let in, and parsed into exactly the events written beside them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.contract.plain import plain
from tests.contract.samples import NOW, SAMPLES

FIXTURES = Path(__file__).parent.parent / "fixtures"


def cases() -> Iterator[Any]:
    for kind in SAMPLES:
        for path in sorted((FIXTURES / kind).glob("*.json")):
            yield pytest.param(kind, path, id=f"{kind}/{path.stem}")


@pytest.mark.parametrize(("kind", "path"), list(cases()))
def test_a_recorded_delivery_means_what_is_written_beside_it(kind: str, path: Path) -> None:
    sample, case = SAMPLES[kind], json.loads(path.read_text())
    request = sample.sign(case["body"].encode(), case["path"])
    sample.adapter.verify(request, sample.account, NOW)
    assert [plain(event) for event in sample.adapter.parse(request, sample.account)] == case["events"]


@pytest.mark.parametrize("kind", SAMPLES)
def test_every_adapter_has_recorded_deliveries(kind: str) -> None:
    assert list((FIXTURES / kind).glob("*.json"))
