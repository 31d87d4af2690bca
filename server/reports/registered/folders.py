"""A workbook in a folder the server reaches: no way out of it through links, and nobody's open file replaced."""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from server.reports.registered.places import (
    LARGEST,
    ChangedMeanwhile,
    Found,
    Gone,
    PlaceTrouble,
    gone,
    in_use,
    no_folder,
    too_large,
)
from workbooks.form import Text
from workbooks.owner_files import marks

_BINARY = getattr(os, "O_BINARY", 0)
_NO_LINK = getattr(os, "O_NOFOLLOW", 0)
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)  # for whoever writes into a pipe laid there
_FILE_MODE = 0o666  # what a new workbook takes over of its folder's
_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _NO_LINK
_BY_DESCRIPTOR = os.open in os.supports_dir_fd and os.rename in os.supports_dir_fd


class FolderPlace:
    """
    The file *steps* below *root*.

    Each step is opened from the one before, and a symbolic link is not followed: nobody who
    may write into the share can point the server at a file elsewhere.
    """

    def __init__(self, root: Path, steps: tuple[str, ...]) -> None:
        self._root = root
        self._folders, self._name = steps[:-1], steps[-1]
        self._path = "/".join(steps)

    def read(self) -> Found:
        with self._reached() as folder:
            return Found(self._read(folder))

    def create(self, content: bytes) -> None:
        try:
            with self._reached() as folder, folder.written(content, like=None) as temporary:
                if folder.status(self._name) is not None:
                    raise ChangedMeanwhile
                folder.name_new(temporary, self._name)
        except Gone as error:
            raise no_folder(self._path) from error

    def replace(self, content: bytes, expected: Found) -> None:
        with self._reached() as folder:
            self._refuse_open(folder)
            with folder.written(content, like=folder.status(self._name)) as temporary:
                # As late as can be: what is saved after this look was not there to be kept.
                self._refuse_open(folder)
                if self._read(folder) != expected.content:
                    raise ChangedMeanwhile
                folder.rename(temporary, self._name)

    @contextmanager
    def _reached(self) -> Iterator["_Folder"]:
        try:
            with _opened(self._root, self._folders) as folder:
                yield folder
        except FileNotFoundError as error:
            raise gone(self._path) from error
        except _Link as error:
            message = Text(f"“{self._path}”经过符号链接，不予打开。", f"{self._path!r} leads through a symbolic link.")
            raise PlaceTrouble(message, passing=False) from error
        except PermissionError as error:
            message = Text(
                f"服务器无权读写“{self._path}”，或文件正被独占打开。",
                f"The server may not read or write {self._path!r}, or somebody has it open for themselves alone.",
            )
            raise PlaceTrouble(message, passing=True) from error
        except OSError as error:
            message = Text(f"共享无法访问：{error.strerror}", f"The share cannot be reached: {error.strerror}")
            raise PlaceTrouble(message, passing=True) from error

    def _read(self, folder: "_Folder") -> bytes:
        content = folder.read(self._name)
        if len(content) > LARGEST:
            raise too_large(self._path)
        return content

    def _refuse_open(self, folder: "_Folder") -> None:
        """
        Raises:
            PlaceTrouble: Excel, WPS or LibreOffice has left its mark beside the file.
        """
        for mark, person in marks(self._name):
            if folder.status(mark) is not None:
                content = b""
                with suppress(OSError):  # Windows lets nobody read it while Excel holds it
                    content = folder.read(mark)
                raise in_use(person(content), mark)


class _Link(OSError):
    """A step is a symbolic link, or no folder."""


class _Folder:
    """An open folder; names are looked up in it and nowhere else."""

    def __init__(self, path: Path, descriptor: int | None) -> None:
        self._path, self._descriptor = path, descriptor

    def _at(self, name: str) -> str:
        return name if self._descriptor is not None else str(self._path / name)

    def status(self, name: str) -> os.stat_result | None:
        with suppress(FileNotFoundError):
            return os.stat(self._at(name), dir_fd=self._descriptor, follow_symlinks=False)
        return None

    def read(self, name: str) -> bytes:
        found = self.status(name)
        if found is None:
            raise FileNotFoundError(name)
        if not stat.S_ISREG(found.st_mode):
            raise _Link(name)
        flags = os.O_RDONLY | _BINARY | _NO_LINK | _NO_WAIT
        with os.fdopen(os.open(self._at(name), flags, dir_fd=self._descriptor), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):  # exchanged since we looked
                raise _Link(name)
            return file.read(LARGEST + 1)

    @contextmanager
    def written(self, content: bytes, *, like: os.stat_result | None) -> Iterator[str]:
        """
        The name of a new file on the disk; gone after the block.

        It has owner and mode of the one it is to replace; else whoever may use the folder may read and write it.
        """
        name = f".aftersheet-{secrets.token_hex(8)}.tmp"
        try:
            self._write(name, content, like)
            yield name
        finally:
            with suppress(FileNotFoundError):
                self.remove(name)

    def _write(self, name: str, content: bytes, like: os.stat_result | None) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _BINARY | _NO_LINK
        descriptor = os.open(self._at(name), flags, 0o660, dir_fd=self._descriptor)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            if hasattr(os, "fchmod"):
                with suppress(OSError):  # on shares that know no modes
                    mode = like.st_mode if like is not None else self._own().st_mode & _FILE_MODE
                    os.fchmod(file.fileno(), stat.S_IMODE(mode))
                    if like is not None:
                        os.fchown(file.fileno(), like.st_uid, like.st_gid)

    def _own(self) -> os.stat_result:
        return os.fstat(self._descriptor) if self._descriptor is not None else self._path.stat()

    def name_new(self, old: str, new: str) -> None:
        """
        Give the file *old* the name *new*, which nothing has.

        Raises:
            ChangedMeanwhile: Something has it now.
        """
        try:
            os.link(self._at(old), self._at(new), src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)
        except FileExistsError as error:
            raise ChangedMeanwhile from error
        except OSError:  # a share that knows no hard links; the look just before has to do
            self.rename(old, new)
        else:
            self._sync()

    def rename(self, old: str, new: str) -> None:
        os.replace(self._at(old), self._at(new), src_dir_fd=self._descriptor, dst_dir_fd=self._descriptor)
        self._sync()

    def _sync(self) -> None:
        if self._descriptor is not None:
            with suppress(OSError):
                os.fsync(self._descriptor)

    def remove(self, name: str) -> None:
        os.unlink(self._at(name), dir_fd=self._descriptor)


@contextmanager
def _opened(root: Path, steps: tuple[str, ...]) -> Iterator[_Folder]:
    if not _BY_DESCRIPTOR:  # Windows: no descriptors of folders; the steps are looked at instead
        path = root
        for step in steps:
            path /= step
            if path.is_symlink() or path.resolve() != root.resolve().joinpath(path.relative_to(root)):
                raise _Link(step)
        yield _Folder(path, None)
        return
    descriptor = os.open(root, _FOLDER & ~_NO_LINK)
    try:
        for step in steps:
            try:
                inner = os.open(step, _FOLDER, dir_fd=descriptor)
            except NotADirectoryError as error:
                raise _Link(step) from error
            except OSError as error:
                raise (error if isinstance(error, FileNotFoundError | PermissionError) else _Link(step)) from error
            os.close(descriptor)
            descriptor = inner
        yield _Folder(root, descriptor)
    finally:
        os.close(descriptor)
