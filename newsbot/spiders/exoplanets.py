"""The NASA Exoplanet Archive: a row for each known planet."""

import re
from typing import Any

from newsbot.batch import Answer
from newsbot.extraction.markup import plain
from newsbot.sources.api import Api, Column, RecordFields
from newsbot.spiders.base.api import MAX_TOLD, ApiSpider, RefusedError, Stream

# https://www.ivoa.net/documents/DALI/ (section on errors)
_PROBLEM = re.compile(rb"""<INFO\b[^>]*\bvalue=["']ERROR["'][^>]*>(.*?)</INFO>""", re.DOTALL | re.IGNORECASE)

# https://exoplanetarchive.ipac.caltech.edu/docs/API_PS_columns.html
_TEXTS = {
    "pl_name": "planet",
    "hostname": "its star",
    "pl_letter": "letter of the planet",
    "discoverymethod": "how it was discovered",
    "disc_facility": "where",
    "st_spectype": "spectral type of the star",
}
_COUNTS = {"sy_snum": "stars of the system", "sy_pnum": "planets of the system", "disc_year": "year of the discovery"}
_MEASURES = {
    "pl_orbper": ("days", "orbital period"),
    "pl_orbsmax": ("au", "semi-major axis of the orbit"),
    "pl_orbeccen": (None, "eccentricity of the orbit"),
    "pl_orbincl": ("deg", "inclination of the orbit"),
    "pl_rade": ("Earth radius", "radius"),
    "pl_radj": ("Jupiter radius", "radius"),
    "pl_bmasse": ("Earth mass", "mass, or mass * sin(i)"),
    "pl_bmassj": ("Jupiter mass", "mass, or mass * sin(i)"),
    "pl_dens": ("g/cm3", "density"),
    "pl_insol": ("Earth flux", "insolation"),
    "pl_eqt": ("K", "equilibrium temperature"),
    "st_teff": ("K", "effective temperature of the star"),
    "st_rad": ("Solar radius", "radius of the star"),
    "st_mass": ("Solar mass", "mass of the star"),
    "st_met": ("dex", "metallicity of the star"),
    "st_logg": ("log10(cm/s2)", "surface gravity of the star"),
    "st_age": ("Gyr", "age of the star"),
    "sy_dist": ("pc", "distance"),
    "sy_vmag": ("mag", "V magnitude"),
    "ra": ("deg", "right ascension"),
    "dec": ("deg", "declination"),
}
_COLUMNS = (
    {name: Column(description=text) for name, text in _TEXTS.items()}
    | {name: Column(type="integer", description=text) for name, text in _COUNTS.items()}
    | {name: Column(type="number", unit=unit, description=text) for name, (unit, text) in _MEASURES.items()}
)


class ExoplanetsSpider(ApiSpider):
    """The planets of the table of composite parameters (`pscomppars`), 30 columns with their units.

    One call reads the whole table; changed rows are revised. An answer without planets is a failure. The run names
    stored planets that the archive no longer has.
    """

    name = "exoplanets"
    api = Api(
        name="exoplanets",
        title="NASA Exoplanet Archive",
        homepage="https://exoplanetarchive.ipac.caltech.edu",
        url="https://exoplanetarchive.ipac.caltech.edu/TAP/sync",
        params={"query": f"select {','.join(_COLUMNS)} from pscomppars", "format": "json"},  # noqa: S608  of constants
        at_least=1,
        record=RecordFields(dataset="exoplanets", key="pl_name", columns=_COLUMNS),
    )

    def data(self, answer: Answer, stream: Stream | None = None) -> Any:
        """The data. Raises `RefusedError` for an error in a VOTable, which the archive sends with status 200."""
        if problem := _PROBLEM.search(answer.body):
            raise RefusedError(f"says: {plain(problem[1].decode('utf-8', 'replace'), MAX_TOLD)}")
        return super().data(answer, stream)
