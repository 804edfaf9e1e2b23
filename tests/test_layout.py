"""The project's own files agree with one another: settings, requirements, verbs, documents."""

import ast
import re
from importlib.metadata import PackageNotFoundError, requires, version

import pytest

from tools.environment import ROOT, setting_names

REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(?:\[[\w,]+\])?==(?P<version>\S+)  # (?P<reason>\S.*)")
PIN_FILES = ("requirements.txt", "requirements-dev.txt")


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def requirement_lines(name: str) -> list[str]:
    return [line for line in read(name).splitlines() if line and line[0] not in "#-"]


def pins(name: str) -> dict[str, str]:
    matches = (REQUIREMENT.fullmatch(line) for line in requirement_lines(name))
    return {_plain(match["name"]): match["version"] for match in matches if match}


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def names_read_by_settings() -> set[str]:
    """First arguments of `env.…()` and `os.environ.get()` in the settings file."""
    calls = ast.walk(ast.parse(read("wolkvox_admin/settings.py")))
    return {
        str(call.args[0].value)
        for call in calls
        if isinstance(call, ast.Call)
        and isinstance(call.func, ast.Attribute)
        and re.match(r"(os\.environ|env)\.", ast.unparse(call.func))
        and call.args
        and isinstance(call.args[0], ast.Constant)
    }


def test_every_setting_is_explained_and_nothing_else():
    assert setting_names() | {"ENV_FILE"} == names_read_by_settings()


def test_the_explained_defaults_are_the_real_ones():
    """A default that is a literal in the settings stands in .env.example as it is."""
    explained = dict(re.findall(r"^# ([A-Z_]+)=(.*)$", read(".env.example"), flags=re.MULTILINE))
    literal = re.compile(r'env\.\w+\(\s*"(\w+)", default=(?:"(.*?)"|([\d_.]+|True|False))\)')
    defaults = {
        name: text or other.replace("_", "").lower()
        for name, text, other in literal.findall(read("wolkvox_admin/settings.py"))
    }

    assert len(defaults) > 20
    for name, default in defaults.items():
        if name in explained:
            assert explained[name] == default, name


@pytest.mark.parametrize("name", PIN_FILES)
def test_every_requirement_is_pinned_and_has_a_reason(name):
    lines = requirement_lines(name)

    assert [line for line in lines if not REQUIREMENT.fullmatch(line)] == []
    assert len(pins(name)) == len(lines)


def test_no_package_is_pinned_twice():
    assert pins("requirements.txt").keys() & pins("requirements-dev.txt").keys() == set()


@pytest.mark.parametrize("name", PIN_FILES)
def test_the_pinned_versions_are_those_the_tests_run_on(name):
    assert pins(name) == {package: version(package) for package in pins(name)}


@pytest.mark.parametrize("name", PIN_FILES)
def test_whatever_a_package_needs_here_is_pinned_too(name):
    pinned = {package for file in PIN_FILES for package in pins(file)}
    if name == "requirements.txt":
        pinned = set(pins(name))
    for package in pins(name):
        for needed in requires(package) or []:
            specifier, _semicolon, condition = needed.partition(";")
            wanted = _plain(re.split(r"[\s\[<>=!~(]", specifier.strip())[0])
            if "extra" not in condition and _is_installed(wanted):
                assert wanted in pinned, f"{package} needs {wanted}"


def _is_installed(package: str) -> bool:
    try:
        version(package)
    except PackageNotFoundError:
        return False
    return True


def test_the_readme_names_verbs_that_exist():
    verbs = set(re.findall(r"^([a-z-]+):", read("Makefile"), flags=re.MULTILINE))
    named = set(re.findall(r"`make ([a-z-]+)", read("README.md")))

    assert {"run", "test"} <= named <= verbs


def test_the_documents_point_at_files_that_exist():
    for document in [ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\(([^)#]+)[^)]*\)", document.read_text(encoding="utf-8")):
            if "://" not in target:
                assert (document.parent / target).exists(), f"{document.name}: {target}"


@pytest.mark.parametrize("name", ["app.css", "admin.css"])
def test_every_block_of_a_stylesheet_ends_before_the_next_section(name):
    """What is left open swallows all that follows, for some widths of the window only."""
    depth = 0
    for number, line in enumerate(read(f"static/media_assets/{name}").splitlines(), start=1):
        assert not (line.startswith("/*") and depth), f"line {number} is inside of a block"
        depth += line.count("{") - line.count("}")
    assert depth == 0
