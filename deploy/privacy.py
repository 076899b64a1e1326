"""The published privacy policy: `python -m deploy.privacy` shows, writes or checks docs/privacy.md."""

from __future__ import annotations

import sys

from deploy.generated import ROOT, main
from services.gateway.privacy import document

__all__ = ["TARGET"]

TARGET = ROOT / "docs" / "privacy.md"

if __name__ == "__main__":
    sys.exit(main(TARGET, document, command="deploy.privacy"))
