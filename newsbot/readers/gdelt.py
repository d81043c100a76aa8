"""Reads the files of GDELT's Global Knowledge Graph."""

from newsbot.batch import MAX_VALUE, Answer, Batch, Broken, Done, Outcome, Reject, Then
from newsbot.extraction import gdelt
from newsbot.extraction.zips import ZipError, lines
from newsbot.items import Article, Rank
from newsbot.readers.listed_files import File

SOURCE = "gdelt"
MOST = 512 * 1024 * 1024  # bytes of an inflated file; the true ones have 15 to 60 MB


def read(answer: Answer, wanted: gdelt.Wanted, file: File) -> tuple[Batch | None, File, Then[str]]:
    """The wanted articles of the web in a file, and the rows that make no article."""
    articles: list[Article] = []
    refused: list[Reject] = []
    others = left_out = untitled = 0
    try:
        for number, line in enumerate(lines(answer.body, MOST), 1):
            if not line:
                continue
            try:
                row = gdelt.columns(line)
                if row[gdelt.COLLECTION] != gdelt.WEB:
                    others += 1
                    continue
                if not wanted.fits(row):
                    left_out += 1
                    continue
                fields, extra, left = gdelt.article(row)
            except gdelt.RowError as error:
                payload = {"row": line[:MAX_VALUE].decode("utf-8", "replace")}
                refused.append(Reject(SOURCE, "row", f"{file.url}#{number}", error.field, str(error), payload))
                continue
            article = Article(source_id=SOURCE, origin=SOURCE, rank=Rank.INDEX, **fields)
            article.extra_json, article.refused = extra, left
            article.is_read = article.is_plain = True
            untitled += '"title_from":"url"' in extra
            articles.append(article)
    except ZipError as error:
        return None, file, Broken(str(error))
    counts = (
        (others, "rows of no web page"),
        (left_out, "articles that are not asked for"),
        (untitled, "titles made of the address"),
    )
    status = "; ".join(["ok", *(f"{count} {what}" for count, what in counts if count)])
    outcome = Outcome(source_id=SOURCE, url=file.url, ok=True, status=status)
    return Batch(items=[*refused, *articles], outcome=outcome), file, Done()
