"""What an office is called."""


def name_of(names: dict[str, str] | None, language: str, otherwise: str) -> str:
    """A name in a language, or in the first that there is."""
    return (names or {}).get(language) or next(iter((names or {}).values()), otherwise)
