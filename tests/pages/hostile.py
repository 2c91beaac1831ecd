"""Texts that a link, a file or a name may bring, each of which would be markup if a page let it."""

HOSTILE = (
    "**bold** _it_ ~~gone~~ # no heading",
    "# heading",
    "1. list",
    "- list",
    "> quote",
    "[click](javascript:alert(1))",
    "![](https://example.org/spy.png)",
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script> &amp; &#58;",
    ":red[red] :red-background[x] :blue-badge[y] :small[z] :help[h]",
    ":material/home: :streamlit: :smile: :+1:",
    "`code` ``` fence",
    "$x^2$ $$y$$ \\(z\\) \\$",
    "https://example.org www.example.org someone@example.org",
    "a -> b <- c -- d >= e <= f ~= g <-> h",
    "| a | b |",
    "[^1] [x] ![x] \\ \\\\",
    "line\nbreak\n\n---\n\n    indented",
    "turned \u202e round",
)
