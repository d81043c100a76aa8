"""Well-formed feeds of every kind: the origin of each field."""

import gzip
import json

import pytest

from newsbot.extraction import lenient_json
from newsbot.extraction.documents import MAX_BYTES
from newsbot.extraction.entries import MAX_ENTRIES, MAX_SUMMARY_CHARS, MAX_TITLE_CHARS, blank
from newsbot.extraction.feeds import FeedError, parse

URL = "https://news.test/feeds/all.xml"
NAMESPACES = " ".join(
    f'xmlns:{prefix}="{uri}"'
    for prefix, uri in {
        "atom": "http://www.w3.org/2005/Atom",
        "content": "http://purl.org/rss/1.0/modules/content/",
        "dc": "http://purl.org/dc/elements/1.1/",
        "itunes": "http://www.itunes.com/dtds/podcast-1.0.dtd",
        "media": "http://search.yahoo.com/mrss/",
        "sy": "http://purl.org/rss/1.0/modules/syndication/",
    }.items()
)


def rss(item, channel=""):
    return f'<rss version="2.0" {NAMESPACES}><channel><title>News</title>{channel}<item>{item}</item></channel></rss>'


def rss_entry(item, channel=""):
    (entry,) = parse(rss(item, channel).encode(), URL).entries
    return entry


def atom_entry(entry, feed="", attributes=""):
    raw = f'<feed xmlns="http://www.w3.org/2005/Atom" {attributes}>{feed}<entry>{entry}</entry></feed>'
    (only,) = parse(raw.encode(), URL).entries
    return only


def test_rss_2():
    feed = parse(
        b"""<?xml version="1.0" encoding="UTF-8"?>
        <rss version="2.0" xmlns:dc="http://purl.org/dc/elements/1.1/"><channel>
        <title>The Daily</title><link>https://news.test/</link><language>en_GB</language><ttl>15</ttl>
        <item>
          <title>Ministers &amp;amp; mayors &lt;b&gt;meet&lt;/b&gt;</title>
          <link>https://news.test/a?x=1&amp;y=2</link>
          <guid isPermaLink="false">a-1</guid>
          <pubDate>Mon, 02 Jan 2023 10:00:00 +0100</pubDate>
          <description><![CDATA[<p>First.</p><p>Sec<i>on</i>d.</p><script>track()</script>]]></description>
          <dc:creator>Ada Writer</dc:creator><dc:creator>Bo Editor</dc:creator>
          <category>Politics</category><category>Europe</category><category>Politics</category>
          <enclosure url="/a.jpg" type="image/jpeg" length="1"/>
        </item></channel></rss>""",
        URL,
    )
    assert (feed.kind, feed.title, feed.link) == ("rss", "The Daily", "https://news.test/")
    assert (feed.language, feed.interval, feed.sitemaps) == ("en-GB", 900, [])
    assert feed.entries == [
        {
            "title": "Ministers & mayors meet",
            "link": "https://news.test/a?x=1&y=2",
            "published": "2023-01-02T10:00:00+01:00",
            "updated": None,
            "author": "Ada Writer, Bo Editor",
            "authors": ["Ada Writer", "Bo Editor"],
            "summary": "First. Second.",
            "image": "https://news.test/a.jpg",
            "id": "a-1",
            "language": None,
            "section": None,
            "keywords": ["Politics", "Europe"],
            "media": False,
            "refused_link": None,
            "refused_date": None,
        }
    ]


def test_atom_1():
    feed = parse(
        b"""<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="de" xml:base="https://blatt.test/x/">
        <title type="html">Das &lt;em&gt;Blatt&lt;/em&gt;</title><link rel="self" href="feed"/><link href=""/>
        <link href="https://blatt.test/"/>
        <author><name>Redaktion</name></author>
        <entry xml:lang="fr"><title>5 &lt; 6 &amp;amp; so</title><link rel="enclosure" href="a.mp3"/>
          <link rel="alternate" type="application/json" href="1.json"/><link href="eins"/>
          <id>tag:blatt.test,2023:1</id><updated>2023-01-02T10:00:00Z</updated>
          <summary type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>Ein <b>Satz</b>.</p></div></summary>
          <category term="wirtschaft" label="Wirtschaft"/></entry>
        <entry xml:base="/y/"><title>Zwei</title><link href="zwei"/><published>2023-01-01</published>
          <updated>2023-01-03T00:00:00Z</updated><author><name>Cy</name><email>cy@blatt.test</email></author></entry>
        </feed>""",
        URL,
    )
    assert (feed.kind, feed.title, feed.language) == ("atom", "Das Blatt", "de")
    one, two = feed.entries
    assert one["title"] == "5 < 6 &amp; so"  # type text: it is literal
    assert one["link"] == "https://blatt.test/x/eins"
    assert one["published"] == one["updated"] == "2023-01-02T10:00:00+00:00"
    assert one["summary"] == "Ein Satz."
    assert (one["authors"], one["language"], one["keywords"]) == (["Redaktion"], "fr", ["Wirtschaft"])
    assert two["link"] == "https://blatt.test/y/zwei"
    assert (two["published"], two["author"]) == ("2023-01-01T00:00:00", "Cy")


def test_rdf_with_items_beside_the_channel():
    feed = parse(
        b"""<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/"
        xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:sy="http://purl.org/rss/1.0/modules/syndication/">
        <channel rdf:about="https://r.test/"><title>R</title><link>https://r.test/</link><dc:language>fi</dc:language>
        <sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>4</sy:updateFrequency></channel>
        <item rdf:about="https://r.test/1"><title>Yksi</title><link>https://r.test/1</link>
        <dc:date>2023-01-02T10:00:00+02:00</dc:date><dc:subject>talous</dc:subject></item></rdf:RDF>""",
        URL,
    )
    (entry,) = feed.entries
    assert (feed.kind, feed.language, feed.interval) == ("rdf", "fi", 900)
    assert (entry["id"], entry["published"], entry["keywords"]) == (
        "https://r.test/1",
        "2023-01-02T10:00:00+02:00",
        ["talous"],
    )


def test_channel_definition_format_in_capitals():
    (entry,) = parse(
        b'<CHANNEL><ITEM HREF="https://c.test/1" LASTMOD="2001-02-03T04:05"><TITLE>C</TITLE></ITEM></CHANNEL>', URL
    ).entries
    assert (entry["link"], entry["title"], entry["updated"]) == ("https://c.test/1", "C", "2001-02-03T04:05:00")


def test_an_entry_document_alone():
    raw = b'<entry xmlns="http://www.w3.org/2005/Atom"><title>One</title><id>https://a.test/1</id></entry>'
    (entry,) = parse(raw, URL).entries
    assert (entry["title"], entry["link"]) == ("One", "https://a.test/1")


def test_json_feed():
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": "J",
        "home_page_url": "https://j.test/home/",
        "language": "en",
        "authors": [{"name": "House"}],
        "items": [
            {"id": 7, "url": "../7", "title": "Se\ud800ven\0", "content_html": '<p>T<b>e</b>xt<img src="/7.png"></p>'},
            {"id": "https://j.test/8", "summary": "S", "date_modified": "2023-01-02T10:00:00Z", "tags": ["a", 1, "b"]},
            {"id": None, "url": ["x"], "title": {"a": 1}, "authors": "no", "author": {"name": "Di"}, "tags": "no"},
            "no item",
        ],
    }
    feed = parse(json.dumps(document).encode(), URL)
    seven, eight, wrong, none = feed.entries
    assert (feed.kind, feed.title, feed.link, feed.language) == ("json", "J", "https://j.test/home/", "en")
    assert (seven["id"], seven["link"], seven["title"]) == ("7", "https://j.test/7", "Seven")
    assert (seven["summary"], seven["image"], seven["authors"]) == ("Text", "https://j.test/7.png", ["House"])
    assert (eight["link"], eight["published"], eight["keywords"]) == (
        "https://j.test/8",
        "2023-01-02T10:00:00+00:00",
        ["a", "b"],
    )
    assert wrong == blank(author="Di", authors=["Di"])
    assert none == blank(summary="no item"), "it is refused with what it says"


def test_lone_surrogates_of_json_are_left_out_wherever_they_stand():
    item = {
        "id": "1\ud800",
        "title": "A\ud800",
        "content_html": "\udfff",
        "tags": ["b\ud800"],
        "authors": [{"name": "C\udc00"}],
    }
    (entry,) = parse(json.dumps({"items": [item]}).encode(), URL).entries
    assert (entry["title"], entry["keywords"], entry["authors"]) == ("A", ["b"], ["C"])


@pytest.mark.parametrize(
    ("written", "title", "remark"),
    [
        (r"it\'s", "it's", lenient_json.ESCAPES),
        ("a\ttab", "a tab", lenient_json.CONTROLS),
        ('He said "no" and left', None, lenient_json.RECORDS),
    ],
)
def test_json_feed_that_is_nearly_valid_costs_at_most_an_item(written, title, remark):
    items = [{"id": f"https://j.test/{n}", "title": f"Title {n}"} for n in range(4)]
    text = json.dumps({"version": "https://jsonfeed.org/version/1.1", "items": items})
    feed = parse(text.replace("Title 2", written).encode(), URL)
    assert [entry["title"] for entry in feed.entries] == ["Title 0", "Title 1", title, "Title 3"]
    assert (feed.whole, feed.remarks) == (True, (remark,))
    if title is None:
        assert (feed.entries[2]["link"], 'said "no"' in feed.entries[2]["summary"]) == (None, True)


def test_sitemap_with_images_and_alternates():
    feed = parse(
        b"""<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9" xmlns:xhtml="http://www.w3.org/1999/xhtml"
        xmlns:image="http://www.google.com/schemas/sitemap-image/1.1"><url><loc> https://s.test/1 </loc>
        <xhtml:link rel="alternate" hreflang="de" href="https://s.test/de/1"/><lastmod>2023-01-02</lastmod>
        <image:image><image:loc>https://s.test/1.jpg</image:loc><image:title>no headline</image:title></image:image>
        </url><url><loc>ftp://s.test/2</loc></url></urlset>""",
        URL,
    )
    assert feed.kind == "sitemap"
    assert feed.entries == [
        blank(
            link="https://s.test/1",
            published="2023-01-02T00:00:00",
            updated="2023-01-02T00:00:00",
            image="https://s.test/1.jpg",
        ),
        blank(refused_link="ftp://s.test/2"),
    ]


def test_news_sitemap_in_gzip():
    raw = b"""<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"
        xmlns:n="http://www.google.com/schemas/sitemap-news/0.9"><url><loc>https://s.test/1</loc><n:news>
        <n:publication><n:name>S</n:name><n:language>pt</n:language></n:publication>
        <n:publication_date>2023-01-02T10:00:00-03:00</n:publication_date><n:title>T &amp;amp; U</n:title>
        <n:keywords>a, b</n:keywords></n:news></url></urlset>"""
    feed = parse(gzip.compress(raw), URL)
    assert feed.kind == "news_sitemap"
    assert feed.entries == [
        blank(
            title="T & U",
            link="https://s.test/1",
            published="2023-01-02T10:00:00-03:00",
            language="pt",
            keywords=["a", "b"],
        )
    ]


NEWS = rss("<title>One</title><link>/1</link>").encode()
PARTS = [NEWS[:60], NEWS[60:61], b"", NEWS[61:]]


@pytest.mark.parametrize("behind", [b"", bytes(1000), b"\n", b"<html>error</html>", bytes(3) + b"x"])
def test_gzip_of_several_members(behind):
    feed = parse(b"".join(map(gzip.compress, PARTS)) + behind, URL)
    assert ([entry["title"] for entry in feed.entries], feed.whole) == (["One"], True)


@pytest.mark.parametrize("end", [-1, -8, -9, -30])
def test_a_member_that_is_cut_off_makes_no_whole(end):
    raw = b"".join(map(gzip.compress, PARTS))
    assert not parse(raw[:end], URL).whole


def test_the_bound_holds_for_all_members_together():
    bomb = gzip.compress(bytes(MAX_BYTES // 2 + 1))
    with pytest.raises(FeedError, match=f"more than {MAX_BYTES} bytes, expected a feed of at most"):
        parse(bomb + bomb, URL)
    with pytest.raises(FeedError, match="more than 10000 members"):
        parse(gzip.compress(b"") * 1_000_000, URL)


@pytest.mark.parametrize(
    "before",
    [
        '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE html>',
        "<!doctype HTML>",
        '<!DOCTYPE html [<!ENTITY nbsp "&#160;"><!ENTITY odd "a]>">]>',
        '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Strict//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd">',
        '\n<!-- made --><!DOCTYPE html>\n<?xml-stylesheet href="a.css"?><!-- by hand -->\n',
        '<!DOCTYPE html SYSTEM "about:legacy-compat">',
    ],
)
def test_a_document_type_of_html_makes_no_page_of_a_feed(before):
    atom = '<a:feed xmlns:a="http://www.w3.org/2005/Atom"><a:entry><a:title>One</a:title></a:entry></a:feed>'
    news = '<urlset><url><loc>/1</loc><n:news xmlns:n="n"><n:title>One</n:title></n:news></url></urlset>'
    for feed in (NEWS.decode(), atom, news):
        assert [entry["title"] for entry in parse((before + feed).encode(), URL).entries] == ["One"]


def test_sitemap_index():
    feed = parse(
        b"<sitemapindex><sitemap><loc><![CDATA[/a.xml.gz]]></loc></sitemap><sitemap><loc>file:///b</loc></sitemap>"
        b"</sitemapindex>",
        URL,
    )
    assert (feed.kind, feed.entries, feed.sitemaps) == ("sitemap_index", [], ["https://news.test/a.xml.gz"])


def test_a_plain_list_of_addresses_is_a_sitemap():
    feed = parse(b"\xef\xbb\xbfhttps://s.test/1\r\nhttps://s.test/2\r\n", URL)
    assert [entry["link"] for entry in feed.entries] == ["https://s.test/1", "https://s.test/2"]


@pytest.mark.parametrize(
    ("item", "link"),
    [
        ("<link>https://a.test/1</link><guid>https://a.test/2</guid>", "https://a.test/1"),
        ("<guid>https://a.test/2</guid>", "https://a.test/2"),
        ('<guid isPermaLink="false">https://a.test/2</guid>', None),
        ('<guid isPermaLink="true">p/2</guid>', "https://news.test/home/p/2"),
        ("<guid>12345</guid>", None),
        ("<link/><guid>https://a.test/2</guid>", "https://a.test/2"),
        ('<atom:link rel="self" href="/self"/><atom:link href="/page"/>', "https://news.test/page"),
        ('<link href="/page"/>', "https://news.test/page"),
        ("<link>../a\n b</link>", "https://news.test/a b"),
        ("<link>//cdn.test/x</link>", "https://cdn.test/x"),
        ("<link><![CDATA[https://a.test/?a=1&amp;b=2]]></link>", "https://a.test/?a=1&b=2"),
        ("<link>HTTPS://a.test/1</link>", "https://a.test/1"),
    ],
)
def test_the_link_of_an_rss_item(item, link):
    assert rss_entry(item, "<link>https://news.test/home/</link>")["link"] == link


@pytest.mark.parametrize(
    "bad", ["javascript:alert(1)", "file:///etc/passwd", "mailto:a@b.test", "http://", "http://[::1", "data:,x"]
)
def test_a_link_that_is_not_a_web_address_is_refused_and_reported(bad):
    entry = rss_entry(f"<link>{bad}</link>")
    assert (entry["link"], entry["refused_link"]) == (None, bad)


MP3 = '<enclosure url="https://cdn.test/1.mp3" type="audio/mpeg" length="1"/>'


@pytest.mark.parametrize(
    ("item", "link", "is_media"),
    [
        (MP3, "https://cdn.test/1.mp3", True),
        (f"<link>https://news.test/1</link>{MP3}", "https://news.test/1", False),
        (f"<link>https://cdn.test/1.mp3</link>{MP3}", "https://cdn.test/1.mp3", True),
        (f"<guid>https://news.test/1</guid>{MP3}", "https://news.test/1", False),
        (f'<guid isPermaLink="false">urn:1</guid><link>spotify:1</link>{MP3}', "https://cdn.test/1.mp3", True),
        (f'<enclosure url="/1.mp4" type="video/mp4"/>{MP3}', "https://cdn.test/1.mp3", True),
        ('<enclosure url="/1.pdf"/><enclosure url="/1.webm?x=.mp3"/>', "https://news.test/1.webm?x=.mp3", True),
        ('<enclosure url="/1.PDF" type="application/octet-stream"/>', "https://news.test/1.PDF", True),
        ('<enclosure url="/file" type="application/vnd.apple.mpegurl"/>', "https://news.test/file", True),
        ('<enclosure url="/file" type="application/pdf; charset=binary"/>', "https://news.test/file", True),
        ('<enclosure url="/1.mp3" type="image/jpeg"/>', None, False),
        ('<enclosure url="/1.jpg" type="audio/mpeg"/>', "https://news.test/1.jpg", True),
        ('<enclosure url="/1.png"/><enclosure url="/1"/><enclosure type="audio/mpeg"/>', None, False),
        ('<enclosure url="magnet:?x=1" type="audio/mpeg"/><enclosure url="http://[" type="audio/mp4"/>', None, False),
        ('<media:content url="/clip" medium="video"/>', "https://news.test/clip", True),
        ('<media:group><media:content url="/a.mp4"/><media:content url="/b.jpg"/></media:group>',
         "https://news.test/a.mp4", True),
        (f'<media:content url="/clip.mp3"/>{MP3}', "https://cdn.test/1.mp3", True),
        ('<media:content url="/clip.mp3"/><enclosure url="/1.jpg" type="image/jpeg"/>',
         "https://news.test/clip.mp3", True),
        ('<media:content url="/photo" medium="image"/>', None, False),
    ],
)  # fmt: skip
def test_an_entry_without_a_link_has_its_file_for_one(item, link, is_media):
    entry = rss_entry(f"<title>Episode</title>{item}", channel="<link>https://news.test/</link>")
    assert (entry["link"], entry["media"]) == (link, is_media)


@pytest.mark.parametrize(
    ("content", "link", "is_media"),
    [
        ('<link rel="enclosure" type="audio/ogg" href="1"/>', "https://news.test/feeds/1", True),
        ('<link rel="enclosure" type="image/png" href="1"/><id>urn:1</id>', None, False),
        ('<link rel="enclosure" type="audio/ogg" href="1"/><link href="/page"/>', "https://news.test/page", False),
        ('<content type="video/mp4" src="/clip"/>', "https://news.test/clip", True),
        ('<content type="text/html" src="/page"/>', "https://news.test/page", False),
    ],
)
def test_an_atom_entry_without_a_link_has_its_file_for_one(content, link, is_media):
    entry = atom_entry(f"<title>Episode</title>{content}")
    assert (entry["link"], entry["media"]) == (link, is_media)


def test_an_item_of_json_feed_without_a_link_has_its_file_for_one():
    mp3 = {"url": "/1.mp3", "mime_type": "audio/mpeg"}
    items = [
        {"id": "1", "attachments": [{"url": "/1.jpg", "mime_type": "image/jpeg"}, mp3]},
        {"id": "2", "url": "/2", "attachments": [mp3]},
        {"id": "3", "attachments": [None, {"url": 3}, {"mime_type": "audio/mpeg"}, "x"]},
        {"id": "4", "attachments": {"url": "/1.mp3"}},
    ]
    feed = parse(json.dumps({"version": "https://jsonfeed.org/version/1", "items": items}).encode(), URL)
    assert [(entry["link"], entry["media"]) for entry in feed.entries] == [
        ("https://news.test/1.mp3", True),
        ("https://news.test/2", False),
        (None, False),
        (None, False),
    ]


@pytest.mark.parametrize(
    ("item", "author"),
    [
        ("<author>ed@news.test (Ed Itor)</author>", "Ed Itor"),
        ("<author>Ed Itor &lt;ed@news.test&gt;</author>", "Ed Itor"),
        ("<author>ed@news.test</author>", "ed@news.test"),
        ("<author>ed@news.test</author><dc:creator>Ed Itor</dc:creator>", "Ed Itor"),
        ("<author>Ed (@ed)</author>", "Ed (@ed)"),
        ("<author>Ed (Reuters)</author>", "Ed (Reuters)"),
        ("<itunes:author>Pod</itunes:author>", "Pod"),
        ("<atom:author><atom:name>At</atom:name></atom:author>", "At"),
    ],
)
def test_the_author_of_an_rss_item(item, author):
    assert rss_entry(item)["author"] == author


@pytest.mark.parametrize(
    ("item", "summary"),
    [
        ("<description>D</description><content:encoded>C</content:encoded>", "D"),
        ("<content:encoded>C</content:encoded><description>D</description>", "D"),
        ("<description/><content:encoded>C</content:encoded>", "C"),
        ("<summary>S</summary><description>D</description>", "S"),
        ("<description>D</description><itunes:summary>I</itunes:summary>", "D"),
        ("<dc:description>DC</dc:description>", "DC"),
        ("<media:group><media:description>M</media:description></media:group>", "M"),
        ("<description>naked <b>mark</b>up<br/>too</description>", "naked markup too"),
    ],
)
def test_the_summary_of_an_rss_item(item, summary):
    assert rss_entry(item)["summary"] == summary


@pytest.mark.parametrize(
    "item",
    [
        '<media:content url="/i" medium="image"/>',
        '<media:content url="/v" type="video/mp4"/><media:thumbnail url="/i"/>',
        '<media:group><media:content url="/i" type="image/png"/></media:group>',
        '<enclosure url="/a" type="audio/mpeg"/><enclosure url="/i" type="image/gif"/>',
        '<itunes:image href="/i"/>',
        "<image><url>/i</url></image>",
        '<description>&lt;img alt="" src="/i"&gt;</description>',
        "<content:encoded><![CDATA[<p><img class=x src='/i'/></p>]]></content:encoded>",
    ],
)
def test_the_image_of_an_rss_item(item):
    assert rss_entry(item)["image"] == "https://news.test/i"


@pytest.mark.parametrize(
    ("item", "title"),
    [
        ("<media:title>M</media:title><title>T</title>", "T"),
        ("<title/><dc:title>D</dc:title>", "D"),
        ("<title>  a\n\tb </title>", "a b"),
        ("<title><![CDATA[AT&amp;T&nbsp;&#8217;s]]></title>", "AT&T ’s"),
        ("<title>it&#146;s</title>", "it’s"),
        ("<title>caf\u00c3\u00a9</title>", "café"),
        ("<source url='x'><title>no</title></source>", None),
        ("", None),
    ],
)
def test_the_title_of_an_rss_item(item, title):
    assert rss_entry(item)["title"] == title


@pytest.mark.parametrize(
    ("content", "title"),
    [
        ("<title>a &lt;b&gt; c</title>", "a <b> c"),
        ('<title type="html">a &lt;b&gt;c&lt;/b&gt;</title>', "a c"),
        ('<title mode="escaped" type="text/html">a &lt;b&gt;c&lt;/b&gt;</title>', "a c"),
        ('<title mode="xml" type="application/xhtml+xml"><b>a</b> c</title>', "a c"),
        ('<title mode="base64" type="text/html">PGI+YTwvYj4gYw==</title>', "a c"),
        ('<title mode="base64" type="text/html">%%</title>', None),
    ],
)
def test_the_text_constructs_of_atom(content, title):
    assert atom_entry(content)["title"] == title


def test_an_atom_entry_links_to_its_content_elsewhere_where_nothing_else_is_given():
    assert atom_entry('<content type="image/png" src="/c.png"/><id>urn:x</id>')["link"] == "https://news.test/c.png"


def test_texts_are_bounded():
    entry = rss_entry(f"<title>{'a' * 10_000_000}</title><description>{'&lt;b&gt;a ' * 100_000}</description>")
    assert len(entry["title"]) == MAX_TITLE_CHARS
    assert 0 < len(entry["summary"]) <= MAX_SUMMARY_CHARS


@pytest.mark.parametrize(
    ("raw", "looks_like"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"<!DOCTYPE html><html><head><title>x</title></head></html>", "html"),
        (b"\n<html lang=en><body><rss></rss></body></html>", "html"),
        (b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><body/></html>', "html"),
        (b'{"message": "not found"}', "json"),
        (b"[" * 100_000, "json"),
        (b"{", "json"),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 8, "binary"),
        (b"\x1f\x8b\x08 broken", "binary"),
        (b"<note><to>Ann</to></note>", "unknown"),
        (b"Service unavailable", "unknown"),
    ],
)
def test_an_answer_that_is_not_a_feed_is_reported(raw, looks_like):
    with pytest.raises(FeedError, match=r"found .*expected") as error:
        parse(raw, URL)
    assert error.value.looks_like == looks_like


def test_too_much_is_refused():
    for raw in (
        gzip.compress(bytes(MAX_BYTES + 1)),
        b"<rss>" + b"<item/>" * (MAX_ENTRIES + 1) + b"</rss>",
        b'{"items":[' + b"{}," * MAX_ENTRIES + b"{}]}",
        b"https://s.test/1\n" * (MAX_ENTRIES + 1),
    ):
        with pytest.raises(FeedError, match="at most"):
            parse(raw, URL)


@pytest.mark.parametrize(
    ("item", "published", "refused"),
    [
        ("<pubDate>soon</pubDate>", None, "soon"),
        ("<pubDate>soon</pubDate><dc:date>2025-03-13</dc:date>", "2025-03-13T00:00:00", None),
        ("<pubDate>soon</pubDate><updated>2025-03-13</updated>", "2025-03-13T00:00:00", "soon"),
        ("<updated>soon</updated>", None, "soon"),
        ("<pubDate>2025-03-13</pubDate><updated>soon</updated>", "2025-03-13T00:00:00", None),
        ("<pubDate> </pubDate>", None, None),
        ("", None, None),
    ],
)
def test_a_date_that_is_not_understood_is_reported(item, published, refused):
    entry = rss_entry(item)
    assert (entry["published"], entry["refused_date"]) == (published, refused)


def test_the_dates_of_a_feed_are_read_as_its_source_writes_them():
    raw = rss("<pubDate>4/5/2026</pubDate>").encode()
    assert parse(raw, URL).entries[0]["published"] == "2026-04-05T00:00:00"
    assert parse(raw, URL, country="fr").entries[0]["published"] == "2026-05-04T00:00:00"
    raw = rss("<pubDate>27 listopada 2025</pubDate>").encode()
    assert parse(raw, URL, language="pl").entries[0]["published"] == "2025-11-27T00:00:00"
    assert parse(raw, URL, language="hr").entries[0]["published"] == "2025-10-27T00:00:00"
    assert parse(raw, URL).entries[0]["refused_date"] == "27 listopada 2025"


def test_a_date_of_a_sitemap_or_json_feed_that_is_not_understood_is_reported():
    sitemap = b"""<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>https://s.test/1</loc>
        <lastmod>soon</lastmod></url></urlset>"""
    assert parse(sitemap, URL).entries == [blank(link="https://s.test/1", refused_date="soon")]
    items = [
        {"url": "https://s.test/1", "date_published": "soon", "date_modified": "2025-03-13"},
        {"date_modified": "x"},
    ]
    first, second = parse(json.dumps({"items": items}).encode(), URL).entries
    assert (first["published"], first["refused_date"]) == ("2025-03-13T00:00:00", "soon")
    assert (second["published"], second["refused_date"]) == (None, "x")
