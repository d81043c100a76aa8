"""The pages of a site: front page, section page, articles."""

import json
from html import escape

from newsbot.sample.newsroom import Site, Story


def front(site: Site, stories: list[Story]) -> bytes:
    """The front page: every story with its summary."""
    teasers = "\n".join(
        f'<article><h2><a href="{escape(story.link)}">{escape(story.title)}</a></h2>\n'
        f"{_time(story)} <p>{escape(story.summary)}</p></article>"
        for story in stories
    )
    return _page(site, site.name, f"<h1>{escape(site.name)}</h1>\n{teasers}")


def section(site: Site, stories: list[Story]) -> bytes:
    """A page that lists the stories of a section."""
    teasers = "\n".join(
        f'<li class="teaser"><a href="{escape(story.link)}"><h3>{escape(story.title)}</h3></a>\n'
        f"{_time(story)} <p>{escape(story.summary)}</p></li>"
        for story in stories
    )
    return _page(site, stories[0].section, f"<h1>{escape(stories[0].section)}</h1>\n<ul>\n{teasers}\n</ul>")


def article(site: Site, story: Story) -> bytes:
    """An article, with Open Graph (https://ogp.me) and schema.org's NewsArticle as JSON-LD."""
    facts = {
        "@context": "https://schema.org",
        "@type": "NewsArticle",
        "headline": story.title,
        "description": story.summary,
        "datePublished": story.published.isoformat(),
        "author": {"@type": "Person", "name": story.byline},
        "publisher": {"@type": "NewsMediaOrganization", "name": site.name},
        "articleSection": story.section,
        "inLanguage": site.language,
        "mainEntityOfPage": story.link,
    }
    properties = {
        "og:type": "article",
        "og:title": story.title,
        "og:description": story.summary,
        "og:url": story.link,
        "og:site_name": site.name,
        "article:published_time": story.published.isoformat(),
        "article:section": story.section,
    }
    json_ld = json.dumps(facts, ensure_ascii=False).replace("</", r"<\/")  # which would end the element
    head = "\n".join(
        [
            f'<link rel="canonical" href="{escape(story.link)}">',
            f'<meta name="author" content="{escape(story.byline)}">',
            *(f'<meta property="{name}" content="{escape(value)}">' for name, value in properties.items()),
            f'<script type="application/ld+json">{json_ld}</script>',
        ]
    )
    text = "\n".join(f"<p>{escape(sentence)}</p>" for sentence in (story.summary, *site.closing))
    body = (
        f"<article>\n<h1>{escape(story.title)}</h1>\n"
        f'<p class="byline">{escape(story.byline)}, {_time(story)}</p>\n{text}\n</article>'
    )
    return _page(site, story.title, body, head)


def _time(story: Story) -> str:
    return f'<time datetime="{story.published.isoformat()}">{story.published:%Y-%m-%d %H:%M}</time>'


def _page(site: Site, title: str, body: str, head: str = "") -> bytes:
    return f"""<!DOCTYPE html>
<html lang="{site.language}">
<head>
<meta charset="utf-8">
<title>{escape(title)}</title>
{head}
</head>
<body dir="auto">
<header><a href="{escape(site.homepage)}">{escape(site.name)}</a></header>
<main>
{body}
</main>
</body>
</html>
""".encode()
