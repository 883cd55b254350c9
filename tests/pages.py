"""Parser and validator of report pages."""

import base64
import io
import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

from PIL import Image

VOID = {"meta", "img", "br", "wbr"}
HEADINGS = ("h1", "h2", "h3")


@dataclass
class Page(HTMLParser):
    """The contents of a page; raises AssertionError if the HTML is invalid or refers to external resources."""

    source: str
    open_tags: list[str] = field(default_factory=list)
    tags: list[str] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    references: list[str] = field(default_factory=list)
    images: list[str] = field(default_factory=list)
    text: str = ""

    def __post_init__(self) -> None:
        super().__init__()
        self.feed(self.source)
        self.close()
        self.text = re.sub(r"\s+", " ", self.text)
        assert self.open_tags == []
        assert len(self.ids) == len(set(self.ids))
        assert set(self.references) <= set(self.ids)
        assert "script" not in self.tags

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.check_tag(tag, {name: value or "" for name, value in attrs})
        if tag not in VOID:
            self.open_tags.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.check_tag(tag, {name: value or "" for name, value in attrs})

    def check_tag(self, tag: str, attributes: dict[str, str]) -> None:
        self.tags.append(tag)
        assert not any(name.startswith("on") for name in attributes)
        self.ids += [attributes["id"]] if "id" in attributes else []
        self.references += re.findall(r"url\(#([^)]+)\)", " ".join(attributes.values()))
        if "href" in attributes:
            assert attributes["href"].startswith("#")
            self.references.append(attributes["href"][1:])
        if tag == "img":
            assert attributes["alt"]
            assert attributes["src"].startswith(("data:image/webp;base64,", "data:image/png;base64,"))
            self.images.append(attributes["src"])

    def handle_endtag(self, tag: str) -> None:
        assert self.open_tags.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open_tags and self.open_tags[-1] != "style":
            self.text += data

    @property
    def headings(self) -> list[int]:
        return [int(tag[1]) for tag in self.tags if tag in HEADINGS]

    @property
    def animations(self) -> list[Image.Image]:
        opened = [Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))) for source in self.images]
        return [image for image in opened if getattr(image, "n_frames", 1) > 1]
