"""The answers of stored revisions, as the form of today asks them."""

import orjson

from workbooks.filled import Values
from workbooks.form import FormDefinition
from workbooks.former import steps
from workbooks.migrations import migrated_answers
from workbooks.values import answers, content_hash, from_json


def stored_values(definition: FormDefinition, version: int, text: str) -> Values:
    """
    The values of a revision stored under *version* with the JSON *text*, under the names of *definition*.

    Raises:
        ValueError: A date or number is not one (the text is not from a revision of this form).
    """
    data = orjson.loads(text)
    return from_json(definition, migrated_answers(definition, version, data) if steps(definition, version) else data)


def answers_hash(definition: FormDefinition, values: Values) -> str:
    """What tells the answers of one revision from those of another: computed ones do not count."""
    return content_hash(definition.form_id, answers(definition, values))


def key_hash(definition: FormDefinition, values: Values) -> str:
    """What tells the business object of this form from another: a hash of the answers in the definition's key."""
    return content_hash(definition.form_id, {name: values.get(name) for name in definition.key})
