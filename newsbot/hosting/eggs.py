"""Scrapyd's egg storage, in which a version appears whole or not at all."""

import io
import os
import time
import zipfile
from pathlib import Path
from typing import IO

from scrapyd.eggstorage import FilesystemEggStorage

ABANDONED = 3600  # seconds after which a staged egg is abandoned


class EggStorage(FilesystemEggStorage):
    """`eggstorage` of scrapyd.conf: files, as Scrapyd's own."""

    def stage(self, egg: bytes, project: str, version: str) -> Path:
        """Write an egg beside its place. Raises OSError, and ValueError for a file that is not a ZIP."""
        if not zipfile.is_zipfile(io.BytesIO(egg)):
            raise ValueError("egg is not a ZIP file (if using curl, use egg=@path not egg=path)")
        place = Path(self._egg_path(project, version))
        place.parent.mkdir(parents=True, exist_ok=True)
        staged = place.with_name(f".{os.urandom(8).hex()}.egg")  # `list` skips such a name
        try:
            for left in place.parent.glob(".*.egg"):  # of a Scrapyd that was killed meanwhile
                if time.time() - left.stat().st_mtime > ABANDONED:
                    left.unlink(missing_ok=True)
            with staged.open("wb") as file:
                file.write(egg)
                file.flush()
                os.fsync(file.fileno())
        except OSError:
            staged.unlink(missing_ok=True)
            self._forsake(project)
            raise
        return staged

    def keep(self, staged: Path, project: str, version: str) -> None:
        """Put a staged egg in its place."""
        staged.replace(self._egg_path(project, version))

    def drop(self, staged: Path, project: str) -> None:
        """Remove a staged egg."""
        staged.unlink(missing_ok=True)
        self._forsake(project)

    def put(self, eggfile: IO[bytes], project: str, version: str) -> None:
        """Store an egg."""
        self.keep(self.stage(eggfile.read(), project, version), project, version)

    def list_projects(self) -> list[str]:
        """Projects that have a version."""
        return [project for project in super().list_projects() if self.list(project)]

    def _forsake(self, project: str) -> None:
        """Remove the folder of a project without versions."""
        folder = Path(self._get_path(project))
        if not any(folder.iterdir()):
            folder.rmdir()
