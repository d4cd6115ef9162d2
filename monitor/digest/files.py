"""A digest's files on the disk: each is whole or not there. Decides nothing of what stands in them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from monitor import log
from monitor.digest import picture

_log = log.get(__name__)


@dataclass(frozen=True, slots=True)
class DigestFiles:
    """Writes a digest's files into the state directory."""

    folder: Path

    def __call__(self, name: str, content: str | bytes) -> Path:
        """Write `content` as `name`, whole or not at all; return the path."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = self.folder / name
        draft = path.with_name(f".{name}.new")
        draft.write_bytes(content if isinstance(content, bytes) else content.encode())
        draft.chmod(0o600)
        draft.replace(path)
        return path

    def drawn(self, name: str, svg: str) -> str:
        """Write a picture as a PNG; return its path, "" where it can't be drawn or written: the text goes without."""
        try:
            return str(self(name, picture.as_png(svg)).resolve()) if picture.can_draw() else ""
        except (OSError, ValueError) as error:
            _log.warning("a digest's picture could not be made; its text goes without", error=str(error))
            return ""
