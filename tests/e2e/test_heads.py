"""An older copy of the ledger, put back while the house was down, is found when it starts, and nothing runs."""

import shutil
from pathlib import Path

import httpx
import pytest

from tests.e2e.stack import OWNER, OWNER_PASSWORD, Stack, until

pytestmark = [pytest.mark.e2e]


@pytest.mark.parametrize("kept", ["by the gateway", "on another disk"])
def test_an_older_ledger_is_found_at_the_start(tmp_path: Path, kept: str) -> None:
    heads, monday = tmp_path / "heads", tmp_path / "monday"
    env = {"OA_HEADS_FILE": str(heads)} if kept == "on another disk" else {}
    with Stack(env=env) as stack, stack.sign_in() as ada:
        stack.halt()
        shutil.copytree(stack.data_dir / "audit", monday)
        gateway = stack.data_dir / "gateway"
        shutil.copytree(gateway, tmp_path / "gateway")
        stack.launch()
        ada.http.post(
            "/api/tokens", json={"name": "Later", "scopes": ["chat"], "expires_in_days": 1}
        ).raise_for_status()
        until(lambda: ada.get("/api/audit", limit=1)["head"] or None, seconds=20, what="a head")
        assert ada.verify()["ok"]
        stack.halt()
        shutil.rmtree(stack.data_dir / "audit")
        shutil.copytree(monday, stack.data_dir / "audit")
        if kept == "on another disk":  # then even a gateway of the same day does not hide it
            shutil.rmtree(gateway)
            shutil.copytree(tmp_path / "gateway", gateway)
        stack.launch()

        def found() -> dict[str, object] | None:
            report = ada.verify()
            return None if report["ok"] else report

        report = until(found, seconds=40, what="the finding")
        # The gateway asks some moments after the witness has begun to write on: then it is no cut any more.
        words = ("were cut off", "was replaced") if kept == "by the gateway" else ("were cut off",)
        assert any(each in str(report["problem"]) for each in words), report
        until(lambda: _refuses_sign_in(stack) or None, seconds=20, what="the refusal of what cannot be recorded")
        assert heads.exists() is (kept == "on another disk")


def _refuses_sign_in(stack: Stack) -> bool:
    """Whether a sign-in is refused because nothing is recorded any more."""
    login = {"username": OWNER, "password": OWNER_PASSWORD}
    origin = {"Origin": stack.url}
    answer = httpx.post(f"{stack.url}/api/session", json=login, headers=origin, timeout=30, trust_env=False)
    return answer.status_code >= 500
