"""The language of texts: banned words stay out, and every option that a text names exists."""

import ast
import io
import json
import re
import tokenize
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from conftest import ROOT, Bvae
from typer.core import TyperGroup

from bvae_cli.app import app

BANNED = {
    "tell": r"tell|tells|told|telling",
    "knob": r"knobs?",
    "come apart": r"(come|comes|came|coming) apart|told? apart",
    "wake, die": r"wakes?|woke|woken|waken|wakened|dies?|died|dying",
    "processor": r"processors?",
    "picture": r"pictures?|pictured",
    "film": r"films?|filmed",
    "grain": r"grains?",
    "rival": r"rivals?",
    "no number": r"(is|are|was|be|were) no numbers?",
    "the very bytes": r"very bytes",
    "short form": r"short forms?",
    "on the way": r"on the way",
    "anew": r"anew",
    "laid over": r"laid (over|upon)",
    "a second, as a rate": (
        r"(images|steps|ms|nats|bits|bytes|frames|points|models|rows|lines|batches|GB|MB|kB|cores|threads)"
        r" an? (second|minute|hour|step|image|seed|model|latent|factor|sample|process|thread|machine|core|setting)"
        r"|(an?|one|two|some) \w+ an? (second|step|latent|image|sample|row|seed)"
    ),
}
SENTENCE_STARTS = re.compile(r"(?:^|[.!:]\s+|\n\s*\n\s*)((?:Of|What)\s[^?\n]*(?:$|[.!\n]))")
ALLOWED: dict[str, str] = {
    # text that is not checked: why
    r"https?://\S+": "addresses are not ours to word",
}
ALLOWED_NAMES = {"tell": "the method of Python's file objects that returns the position"}

GROUP = typer.main.get_command(app)
assert isinstance(GROUP, TyperGroup)
COMMANDS = dict(GROUP.commands)
OPTIONS = {
    name: {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
    | {"--help"}
    for name, command in COMMANDS.items()
}
FOREIGN_OPTIONS = {  # options of other programs that our texts name
    "--nproc-per-node": "torchrun",
    "--nnodes": "torchrun",
    "--head": "ray start",
    "--address": "ray start",
    "--queue": "dvc exp run",
    "--upgrade": "pip install",
    "--models": "benchmarks/sweep.py",
    "--busy": "benchmarks/training.py",
    "--weight": "the objective that docs/extending.md adds as an example",
}
OUTSIDE_THE_WHEEL = re.compile(
    r"\b(docs|pipelines|benchmarks|tests)/|\bREADME\b|\b\w+\.md\b|\bMakefile\b|\bdvc\.yaml\b"
)

PACKAGE = ROOT / "bvae_cli"
DOCUMENTS = [
    ROOT / "README.md",
    ROOT / "params.yaml",
    ROOT / "dvc.yaml",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs").glob("*.ipynb")),
    ROOT / "pipelines" / "README.md",
    *sorted((ROOT / "pipelines").rglob("*.yaml")),
]
MODULES = sorted(PACKAGE.rglob("*.py"))
SCRIPTS = [
    path
    for folder in ("tests", "benchmarks", "pipelines")
    for path in sorted((ROOT / folder).rglob("*.py"))
    if path != Path(__file__)  # it has to contain the banned words
]
TEMPLATES = sorted(path for kind in ("html", "js") for path in PACKAGE.rglob(f"*.{kind}"))


def find_banned(text: str) -> list[str]:
    """Return each banned word or sentence start of a text, with the words around it."""
    for pattern in ALLOWED:
        text = re.sub(pattern, " ", text)
    found = [
        f"{name}: …{text[max(0, hit.start() - 30) : hit.end() + 30]}…".replace("\n", " ")
        for name, pattern in BANNED.items()
        for hit in re.finditer(rf"(?<![\w-])(?:{pattern})(?![\w-])", text, flags=re.I)
    ]
    return found + [f"sentence begins so: {hit[1]}" for hit in SENTENCE_STARTS.finditer(text)]


def literal_text(node: ast.expr) -> str | None:
    """Return the text of a string or an f-string, with … for what is filled in; None for any other expression."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(literal_text(part) or "…" for part in node.values)
    return None


def iter_literals(node: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield line and text of every prose string below a node: docstrings, messages, help; no single words."""
    for child in ast.iter_child_nodes(node):
        text = literal_text(child) if isinstance(child, ast.expr) else None
        if isinstance(child, ast.expr) and text is not None and len(text.split()) > 1:
            yield child.lineno, text
        if isinstance(child, ast.JoinedStr):  # its constant parts are in `text`
            for part in child.values:
                if isinstance(part, ast.FormattedValue):
                    yield from iter_literals(part)
        elif text is None:
            yield from iter_literals(child)


def iter_comments(source: str) -> Iterator[tuple[int, str]]:
    """Yield line and text of every comment of a Python source."""
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            yield token.start[0], token.string.lstrip("# ")


def defined_names(path: Path) -> set[str]:
    """Return the names that a module defines: functions, classes, parameters, variables, attributes."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.arg):
            names.add(node.arg)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            names.add(node.attr)
    return names


def iter_messages(path: Path) -> Iterator[tuple[int, str]]:
    """Yield line and text of each string that goes to the user when something is wrong or worth knowing."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called.endswith(("Error", "notify", "print_notice", "BadParameter", "_error")):
                yield from iter_literals(node)
        elif isinstance(node, ast.Assign) and any("HINT" in ast.unparse(target) for target in node.targets):
            yield from iter_literals(node)


def visible_text(path: Path) -> str:
    """Return the texts of a template, without markup, expressions and code."""
    source = path.read_text()
    quoted = r"'(?:[^'\\\n]|\\.)*'|\"(?:[^\"\\\n]|\\.)*\"|`(?:[^`\\]|\\.)*`"
    if path.suffix == ".js":
        return "\n\n".join(
            word for word in re.findall(rf"//[^\n]*|/\*.*?\*/|{quoted}", source, flags=re.S) if " " in word
        )
    source = re.sub(r"<(style|script)\b.*?</\1>", " ", source, flags=re.S)
    strings = [word for code in re.findall(r"\{[{%].*?[}%]\}", source, flags=re.S) for word in re.findall(quoted, code)]
    source = re.sub(r"\{[{%].*?[}%]\}", "…", source, flags=re.S)
    labels = re.findall(r"\b(?:title|alt|aria-label|placeholder)=\"([^\"]*)\"", source)
    plain = re.sub(r"<[^>]*>", " ", source)
    return "\n\n".join([plain, *labels, *(word for word in strings if " " in word)])


def document_text(path: Path) -> str:
    """Return the prose of a document: of YAML its comments and titles, of a notebook its cells."""
    source = path.read_text()
    if path.suffix == ".yaml":
        return "\n\n".join(re.findall(r"(?:# |title: )(.*)", source))
    if path.suffix == ".ipynb":
        return "\n\n".join("".join(cell["source"]) for cell in json.loads(source)["cells"])
    return source


def unknown_options(text: str, default: str | None = None) -> list[str]:
    """Return the options in a text that the command they stand behind, or no command at all, has.

    An option behind `bvae COMMAND` has to be one of that command, up to the end of the clause; one that stands alone
    has to be one of the command `default`, or of any.
    """
    text = re.sub(r"https?://\S+", " ", text)
    everywhere = {option for options in OPTIONS.values() for option in options} | set(FOREIGN_OPTIONS)
    alone = everywhere if default is None else OPTIONS[default] | set(FOREIGN_OPTIONS)
    unknown = []
    for clause in re.split(r"[`,;:()]|\.\s| or | and | to |\n", text):
        command = re.search(r"\bbvae (\w+)", clause)
        known = OPTIONS[command[1]] if command and command[1] in OPTIONS else alone
        unknown += [option for option in re.findall(r"(?<![\w-])--[a-z][a-z-]+", clause) if option not in known]
    return unknown


def relative(path: Path) -> str:
    """Return a path as it stands in the repository."""
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", DOCUMENTS, ids=relative)
def test_documents_use_the_words_of_the_field(path: Path) -> None:
    assert find_banned(document_text(path)) == []


@pytest.mark.parametrize("name", [None, *COMMANDS])
def test_help_uses_the_words_of_the_field(bvae: Bvae, monkeypatch: pytest.MonkeyPatch, name: str | None) -> None:
    monkeypatch.setenv("COLUMNS", "3000")  # no text is wrapped
    shown = bvae(name, "--help") if name else bvae("--help")
    assert "Usage: bvae" in shown.out
    cells = [" ".join(cell.split()) for cell in re.split(r"[│\n]|  +", shown.out)]
    assert find_banned("\n\n".join(filter(None, cells))) == []


@pytest.mark.parametrize("path", [*MODULES, *SCRIPTS], ids=relative)
def test_messages_docstrings_and_comments_use_the_words_of_the_field(path: Path) -> None:
    source = path.read_text()
    texts = [*iter_literals(ast.parse(source)), *iter_comments(source)]
    assert [f"line {line}: {word}" for line, text in texts for word in find_banned(text)] == []


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_identifiers_use_the_words_of_the_field(path: Path) -> None:
    words = {name: re.sub(r"([a-z0-9])([A-Z])", r"\1 \2", name).replace("_", " ") for name in defined_names(path)}
    assert [name for name, text in words.items() if find_banned(text) and name not in ALLOWED_NAMES] == []


@pytest.mark.parametrize("path", TEMPLATES, ids=relative)
def test_pages_use_the_words_of_the_field(path: Path) -> None:
    assert find_banned(visible_text(path)) == []


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_every_option_that_a_message_names_exists(path: Path) -> None:
    command = path.stem.strip("_") if path.parent.name == "commands" and path.stem.strip("_") in COMMANDS else None
    texts = iter_literals(ast.parse(path.read_text()))
    assert [f"line {line}: {option}" for line, text in texts for option in unknown_options(text, command)] == []


@pytest.mark.parametrize("path", [path for path in DOCUMENTS if path.suffix == ".md"], ids=relative)
def test_every_option_that_a_document_names_exists(path: Path) -> None:
    assert unknown_options(document_text(path)) == []


@pytest.mark.parametrize("path", MODULES, ids=relative)
def test_messages_point_to_no_file_that_the_wheel_lacks(path: Path) -> None:
    texts = [(line, re.sub(r"https?://\S+", " ", text)) for line, text in iter_messages(path)]
    assert [f"line {line}: {text}" for line, text in texts if OUTSIDE_THE_WHEEL.search(text)] == []


def test_the_checks_find_what_they_look_for() -> None:
    assert find_banned("A knob that tells. What is this? It is learned. What is left out is named.")
    assert len(find_banned("2,000 images a second, one slider a latent")) == 2
    assert find_banned("Compute the posterior means, images per second, a step.") == []
    assert unknown_options("try `bvae train --stream`, or --cpu") == []
    assert unknown_options("try `bvae report --stream`, or --no-such-option") == ["--stream", "--no-such-option"]
    assert OUTSIDE_THE_WHEEL.search("see docs/training.md")
