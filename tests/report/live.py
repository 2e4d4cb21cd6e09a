"""What a browser would make of a page: its elements, and anything in it that could act or load."""

from __future__ import annotations

from html.parser import HTMLParser

HOSTILE = (
    "<script>alert(1)</script>",
    "</style><img src=x onerror=alert(1)>",
    "\"'><svg onload=alert(1)>",
    "javascript:alert(1)",
    "</title><iframe src=//evil.example></iframe>",
    "{{ 7 * 7 }}{% raw %}",
    "]]>--><base href=//evil.example>",
)
LIVE = {
    "script",
    "iframe",
    "object",
    "embed",
    "base",
    "form",
    "link",
    "video",
    "foreignobject",
    "animate",
    "set",
}
VOID = {"meta", "img", "br", "hr", "input"}


class Page(HTMLParser):
    """Parses a page; `elements` are (tag, attributes) in order, `open` is empty when every tag was closed."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.open: list[str] = []
        self.text: list[str] = []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        last = self.open.pop()
        assert last == tag, f"</{tag}> closes <{last}>"

    def handle_data(self, data: str) -> None:
        self.text.append(data)

    def having(self, tag: str) -> list[dict[str, str]]:
        """The attributes of every element of that tag."""
        return [attributes for name, attributes in self.elements if name == tag]


def dangers(page: Page) -> list[str]:
    """Every element or attribute that could act or load something."""
    found = [tag for tag, _ in page.elements if tag in LIVE]
    for tag, attributes in page.elements:
        for name, value in attributes.items():
            if name.startswith("on") or name == "srcdoc":
                found.append(f"{tag} {name}")
            if name in ("src", "href", "xlink:href", "action", "data", "poster", "background"):
                data = "data:audio/" if tag == "audio" else "data:image/png;base64,"
                allowed = data if name == "src" else "#"
                found += [f"{tag} {name}={value[:60]}"] if not value.startswith(allowed) else []
            if name == "style" and not all(c.isalnum() or c in "left:botmhigw.%- " for c in value):
                found.append(f"{tag} style={value[:60]}")
    return found
