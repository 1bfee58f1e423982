"""HTML for the sandbox's pages: escaped text in plain tags, no script and no style of its own."""

from html import escape

VOID = ("input", "meta", "link")


def tag(element: str, /, *inside: str, **attributes: str | bool) -> str:
    """Return one element; attribute values are escaped, `class_` and `for_` lose their underscore."""
    words = []
    for key, value in attributes.items():
        label = key.rstrip("_").replace("_", "-")
        if value is True:
            words.append(f" {label}")
        elif value is not False:
            words.append(f' {label}="{escape(str(value))}"')
    start = f"<{element}{''.join(words)}>"
    if element in VOID:
        return start
    return f"{start}{''.join(inside)}</{element}>"


def text(words: object) -> str:
    """Return text, escaped."""
    return escape(str(words))


def page(title: str, *body: str, scripts: tuple[str, ...] = (), styles: tuple[str, ...] = ("page.css",)) -> str:
    """Return a whole page that says SANDBOX."""
    head = [
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="robots", content="noindex"),
        tag("title", text(f"SANDBOX: {title}")),
        *(tag("link", rel="stylesheet", href=f"/static/{name}") for name in styles),
        *(tag("script", src=f"/static/{name}", defer=True) for name in scripts),
    ]
    return "<!doctype html>" + tag("html", tag("head", *head), tag("body", *body), lang="en")


def field(label: str, name: str, *, value: str = "", mode: str = "text", hint: str = "", longest: int = 60) -> str:
    """Return a labelled field that no browser fills in with a real card."""
    return tag(
        "label",
        tag("span", text(label)),
        tag(
            "input",
            name=name,
            value=value,
            inputmode=mode,
            placeholder=hint,
            maxlength=str(longest),
            autocomplete="off",
            spellcheck="false",
        ),
        class_="field",
    )


def choices(kind: str = "submit") -> str:
    """Return buttons that fill in test cards; each is plainly named."""
    return tag(
        "fieldset",
        tag("legend", "SANDBOX: test cards"),
        *(
            tag("button", text(label), type=kind, name="test_card", value=number, data_card=number)
            for label, number in TEST_CARDS
        ),
        class_="test-cards",
    )


TEST_CARDS = (
    ("4242… succeeds", "4242424242424242"),
    ("…0002 declined", "4000000000000002"),
    ("…9995 no funds", "4000000000009995"),
    ("…3184 3-D Secure", "4000002760003184"),
    ("…3178 3-D Secure, then no funds", "4000008260003178"),
    ("…0069 expired card", "4000000000000069"),
    ("…0259 disputed later", "4000000000000259"),
)
