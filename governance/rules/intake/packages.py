"""Packages by their package URL without version, so that one component has one name in every tool's report."""

from __future__ import annotations

from functools import lru_cache
from urllib.parse import unquote

from .values import clean

# What tools call an ecosystem, in the words of package URLs.
_TYPES = {
    "pip": "pypi",
    "python": "pypi",
    "python-pkg": "pypi",
    "poetry": "pypi",
    "pipenv": "pypi",
    "pypi": "pypi",
    "npm": "npm",
    "yarn": "npm",
    "pnpm": "npm",
    "node-pkg": "npm",
    "javascript": "npm",
    "maven": "maven",
    "jar": "maven",
    "pom": "maven",
    "gradle": "maven",
    "java-archive": "maven",
    "go": "golang",
    "gomod": "golang",
    "gobinary": "golang",
    "golang": "golang",
    "gomodules": "golang",
    "go-module": "golang",
    "cargo": "cargo",
    "rust": "cargo",
    "rust-crate": "cargo",
    "crates.io": "cargo",
    "gem": "gem",
    "bundler": "gem",
    "gemspec": "gem",
    "rubygems": "gem",
    "composer": "composer",
    "packagist": "composer",
    "nuget": "nuget",
    "dotnet-core": "nuget",
    "hex": "hex",
    "pub": "pub",
    "swift": "swift",
    "swifturl": "swift",
    "conan": "conan",
    "debian": "deb",
    "ubuntu": "deb",
    "deb": "deb",
    "apk": "apk",
    "alpine": "apk",
    "wolfi": "apk",
    "rpm": "rpm",
    "redhat": "rpm",
    "centos": "rpm",
    "rocky": "rpm",
    "alma": "rpm",
    "amazon": "rpm",
    "oracle": "rpm",
    "fedora": "rpm",
    "suse": "rpm",
    "photon": "rpm",
}
_DISTRIBUTIONS = {"deb", "apk", "rpm"}


@lru_cache(maxsize=50_000)
def package_of(purl: str) -> str:
    """A package URL without version, qualifiers and subpath, in one spelling; "" for what is none.

    Packages of distributions lose the distribution's name: tools do not agree whether it is there.
    """
    if not purl.startswith("pkg:"):
        return ""
    path = unquote(purl[4:].partition("?")[0].partition("#")[0]).strip("/").lower()
    kind, _, rest = path.partition("/")
    folder, _, name = rest.rpartition("/")
    name = name.partition("@")[0] if not name.startswith("@") else name
    if not kind or not name:
        return ""
    if kind == "pypi":
        name = name.replace("_", "-").replace(".", "-")
    if kind in _DISTRIBUTIONS:
        folder = ""
    return clean("pkg:" + "/".join(part for part in (kind, folder, name) if part))


def package_named(ecosystem: str, name: str) -> str:
    """The same from an ecosystem and a name as a tool writes them; just the name where the ecosystem is not known."""
    if not name:
        return ""
    kind = _TYPES.get(ecosystem.strip().lower().partition(":")[0])
    if kind is None:
        return clean(name.lower())
    if kind == "maven":
        name = name.replace(":", "/", 1)
    return package_of(f"pkg:{kind}/{name}")


def ecosystem_type(ecosystem: str) -> str:
    """The type of package URLs for what an advisory calls an ecosystem; "" where there is none."""
    return _TYPES.get(ecosystem.strip().lower().partition(":")[0], "")
