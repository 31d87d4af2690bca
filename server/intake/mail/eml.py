"""Mail that somebody has saved as an .eml file: taken in like mail from a mailbox."""

from server.access.visibility import Viewer
from server.intake.mail import ledger, review
from server.intake.mail.arrival import MailOutcome, process
from server.intake.mail.models import MailState
from server.intake.stations import require_station
from server.site import Site


def take_eml(
    site: Site,
    raw: bytes,
    *,
    answer: bool = True,
    station: str | None = None,
    by: Viewer | None = None,
) -> MailOutcome:
    """
    Process the mail in *raw*; the same mail handed in twice is one.

    A file's headers prove nothing, so only seals do. *by*, who hands it in, may vouch for
    the rest by naming the *station* it is from.

    Raises:
        UnknownStation: There is no such station, or not for *by*.
        OperationalError, OSError: As `process`.
    """
    if station is not None:
        require_station(site, station, by or Viewer.operator())
    sha256 = site.originals.keep(raw)
    with site.session() as session:
        mail_id = ledger.arrived_as_file(session, raw=raw, sha256=sha256)
    outcome = process(site, mail_id, answer=answer and station is None)
    if outcome.state is MailState.REVIEW and station is not None:
        return review.release(site, mail_id, station=station, by=by or Viewer.operator(), answer=answer)
    return outcome
