"""The page of faults names proofs that exist."""

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
PAGE = TESTS.parent / "docs" / "faults.md"
PROOFS = sorted(set(re.findall(r"`([a-z_/]+\.py)::(test_\w+)`", PAGE.read_text())))


@pytest.mark.parametrize(("file", "name"), PROOFS)
def test_a_proof_that_is_named_is_there(file: str, name: str) -> None:
    assert f"def {name}(" in (TESTS / file).read_text()


def test_the_page_names_proofs() -> None:
    assert len(PROOFS) > 40
