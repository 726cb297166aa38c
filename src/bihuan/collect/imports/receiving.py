"""Taking an uploaded file of any size: refused before it is read when it is too large, and written straight into the data folder."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from django.core.files.uploadedfile import TemporaryUploadedFile
from django.core.files.uploadhandler import TemporaryFileUploadHandler


class FolderHandler(TemporaryFileUploadHandler):
    """Django's own, with its file in a folder of ours: the machine's folder for temporary files may be small, or memory."""

    def __init__(self, request: Any, folder: Path) -> None:
        super().__init__(request)
        self._folder = folder

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super(TemporaryFileUploadHandler, self).new_file(*args, **kwargs)
        self.file = _InFolder(self.file_name, self.content_type, self.charset, self._folder)


class _InFolder(TemporaryUploadedFile):
    def __init__(self, name: str | None, content_type: str | None, charset: str | None, folder: Path) -> None:
        super(TemporaryUploadedFile, self).__init__(
            tempfile.NamedTemporaryFile(suffix=".upload", dir=folder),  # noqa: SIM115 - closed by Django with the request
            name,
            content_type,
            0,
            charset,
            {},
        )
