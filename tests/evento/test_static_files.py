"""Static files have names that follow from their content, also where modules name each other."""

import re
import shutil

import pytest
from django.conf import settings
from django.core.files.storage import FileSystemStorage

from evento.static_files import HashedStaticFiles

IMPORTED = re.compile(r'^import .*"(\./[^"]+)";', re.MULTILINE)
HASHED = re.compile(r"\.[0-9a-f]{12}\.js$")


def test_modules_import_each_other_by_names_that_follow_from_their_content(tmp_path):
    shutil.copytree(settings.BASE_DIR / "static" / "js", tmp_path / "js")
    found = [path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.js")]
    source = FileSystemStorage(location=tmp_path)
    storage = HashedStaticFiles(location=tmp_path, base_url="/static/")

    for _path, _new, done in storage.post_process({path: (source, path) for path in found}):
        assert done is True

    entry = tmp_path / storage.stored_name("js/live.js")
    modules = [entry, *(tmp_path / "js" / "live").glob("*.????????????.js")]
    imported = {
        module.parent / name for module in modules for name in IMPORTED.findall(module.read_text())
    }
    assert {path.resolve() for path in imported} == {path.resolve() for path in modules[1:]}
    assert all(HASHED.search(path.name) for path in imported)


def test_address_of_a_file_is_that_of_its_content(tmp_path):
    (tmp_path / "a.css").write_text("a {}")
    storage = HashedStaticFiles(location=tmp_path, base_url="/static/")
    [*storage.post_process({"a.css": (FileSystemStorage(location=tmp_path), "a.css")})]

    assert [storage.url("a.css") for _again in range(2)] == [
        f"/static/{storage.stored_name('a.css')}"
    ] * 2
    for _again in range(2):
        with pytest.raises(ValueError, match=r"b\.css"):
            storage.url("b.css")


def test_address_without_hash_while_developing_unless_it_is_asked_for(tmp_path, settings):
    settings.DEBUG = True
    (tmp_path / "a.css").write_text("a {}")
    storage = HashedStaticFiles(location=tmp_path, base_url="/static/")
    [*storage.post_process({"a.css": (FileSystemStorage(location=tmp_path), "a.css")})]

    assert storage.url("a.css") == "/static/a.css"
    assert storage.url("a.css", force=True) == f"/static/{storage.stored_name('a.css')}"
