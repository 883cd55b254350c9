"""Reading of YAML files: params and studies."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from bvae_cli.system.errors import BvaeError
from bvae_cli.system.opening import read_text, require_bounded

MAX_BYTES, MAX_VALUES = 1_000_000, 100_000

SCALARS = {  # YAML 1.2, as DVC reads it; by YAML 1.1, PyYAML's, 2:30 is 150, 010 is 8 and `no` is false
    "null": r"~|null|Null|NULL|",
    "bool": r"true|True|TRUE|false|False|FALSE",
    "int": r"[-+]?[0-9]+",
    "float": r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)",
    "merge": r"<<",
}
"""The pattern of each type of a plain scalar, in the order in which they are tried; any other is a string."""


class YamlLoader(yaml.SafeLoader):
    """A loader of YAML 1.2 scalars that refuses repeated keys, and aliases that unfold to a huge document."""

    yaml_implicit_resolvers = {}  # noqa: RUF012 - as in the base class

    def get_single_node(self) -> yaml.Node | None:
        """Return the root node; raises ValueError if the document is too large."""
        root: yaml.Node | None = super().get_single_node()
        if root is not None:
            require_bounded(root, child_nodes, MAX_VALUES)
        return root

    def construct_decimal(self, node: yaml.ScalarNode) -> int:
        """Return an integer; leading zeros have no meaning."""
        return int(self.construct_scalar(node))

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Return a mapping; raises ValueError if a key occurs twice."""
        names = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        if repeated := [name for name, count in names.items() if count > 1]:
            raise ValueError(f"the key {repeated[0]} occurs twice {node.start_mark}")
        return super().construct_mapping(node, deep)


for tag, pattern in SCALARS.items():
    YamlLoader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"(?:{pattern})$"), None)
YamlLoader.add_constructor("tag:yaml.org,2002:int", YamlLoader.construct_decimal)


def child_nodes(node: yaml.Node) -> Iterable[yaml.Node]:
    """Return the nodes of a sequence, or the keys and values of a mapping."""
    if isinstance(node, yaml.MappingNode):
        return [child for pair in node.value for child in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else ()


def read_yaml(path: Path, hint: str) -> Any:
    """Return the content of a YAML file, {} if it is empty.

    Raises:
        BvaeError: it cannot be read, in which case the hint is given, or it is not valid YAML.
    """
    text = read_text(path, MAX_BYTES, hint)
    try:
        return yaml.load(text, YamlLoader) or {}
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = " ".join(str(error).split())
        raise BvaeError(f"{path} is not valid YAML: {reason}", "correct the syntax at this position.") from error
