"""Failures of import and export."""

from __future__ import annotations

from matchmaker.core.errors import Conflict, NotFound
from matchmaker.core.language import Bilingual


class ImportNotFound(NotFound):
    """There is no such import, or it is not the caller's."""

    slug = "import_not_found"
    title = Bilingual(zh="没有这次导入", en="No such import")


class ExportNotFound(NotFound):
    """There is no such export, or it is not the caller's."""

    slug = "export_not_found"
    title = Bilingual(zh="没有这次导出", en="No such export")


class FileNotReady(Conflict):
    """Its job is not done: there is no file to read yet, or never will be; ``state`` says which."""

    slug = "file_not_ready"
    title = Bilingual(zh="文件尚未就绪", en="The file is not ready")
