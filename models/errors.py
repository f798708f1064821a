"""Every error that machiai raises on purpose: what was wanted, what came, where."""


class MachiaiError(Exception):
    """Root of every error this project raises on purpose."""

    exit_code = 70  # EX_SOFTWARE


class BadTopic(MachiaiError, ValueError):
    """A topic that the contract does not know."""


class BadPayload(MachiaiError, ValueError):
    """A payload that is not what its topic asks for."""


class BadSite(MachiaiError, ValueError):
    """A site file that cannot be used."""

    exit_code = 78  # EX_CONFIG


class BadPlaylist(MachiaiError, ValueError):
    """A playlist of which nothing can be used."""

    exit_code = 78  # EX_CONFIG


class BadUsage(MachiaiError, ValueError):
    """A command line that cannot be followed."""

    exit_code = 64  # EX_USAGE


class BadData(MachiaiError, ValueError):
    """A log or a list of asks that is not what it should be."""

    exit_code = 65  # EX_DATAERR


class BadRequest(MachiaiError, ValueError):
    """A certificate that is asked for and not given."""

    exit_code = 65  # EX_DATAERR


class Missing(MachiaiError, FileNotFoundError):
    """A file, a model or a device that is needed and not there."""

    exit_code = 66  # EX_NOINPUT


class Unavailable(MachiaiError, ConnectionError):
    """A broker, a camera or a machine on the network that does not answer."""

    exit_code = 69  # EX_UNAVAILABLE


class SensorFailed(MachiaiError, OSError):
    """A sensor that cannot be read now; its agent reports it and tries again."""

    exit_code = 74  # EX_IOERR
