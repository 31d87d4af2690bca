"""$metadata (CSDL 4.0 XML) and the service document: which entity sets there are, and what their columns mean."""

from collections.abc import Iterable, Mapping
from typing import Any

from lxml import etree

from server.api.odata.entities import EDM, KEY, NAMESPACE, EntityType
from workbooks.form import Language, Text

_EDMX = "http://docs.oasis-open.org/odata/ns/edmx"
_EDM = "http://docs.oasis-open.org/odata/ns/edm"
_CORE = "Org.OData.Core.V1"
_CORE_AT = "https://oasis-tcs.github.io/odata-vocabularies/vocabularies/Org.OData.Core.V1.xml"
CONTAINER = "Container"


def metadata(types: Iterable[EntityType], language: Language) -> bytes:
    """
    The metadata document.

    Each type and property is described in *language*, and with a qualifier (zh, en) in both.
    """
    root = etree.Element(f"{{{_EDMX}}}Edmx", {"Version": "4.0"}, nsmap={"edmx": _EDMX})
    reference = etree.SubElement(root, f"{{{_EDMX}}}Reference", {"Uri": _CORE_AT})
    etree.SubElement(reference, f"{{{_EDMX}}}Include", {"Namespace": _CORE, "Alias": "Core"})
    services = etree.SubElement(root, f"{{{_EDMX}}}DataServices")
    schema = etree.SubElement(services, f"{{{_EDM}}}Schema", {"Namespace": NAMESPACE}, nsmap={None: _EDM})  # type: ignore[dict-item]  # the stubs know no default namespace
    container = etree.Element(f"{{{_EDM}}}EntityContainer", {"Name": CONTAINER})
    for entity in types:
        schema.append(_entity_type(entity, language))
        described = {"Name": entity.name, "EntityType": f"{NAMESPACE}.{entity.name}"}
        entity_set = etree.SubElement(container, f"{{{_EDM}}}EntitySet", described)
        _describe(entity_set, "Description", entity.title, language)
    schema.append(container)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def service_document(types: Iterable[EntityType], context: Mapping[str, Any], language: Language) -> dict[str, Any]:
    """The list of entity sets; *context* is what comes before it."""
    sets = [
        {"name": entity.name, "title": entity.title[language], "kind": "EntitySet", "url": entity.name}
        for entity in types
    ]
    return {**context, "value": sets}


def _entity_type(entity: EntityType, language: Language) -> etree._Element:
    element = etree.Element(f"{{{_EDM}}}EntityType", {"Name": entity.name})
    key = etree.SubElement(element, f"{{{_EDM}}}Key")
    etree.SubElement(key, f"{{{_EDM}}}PropertyRef", {"Name": KEY.name})
    for column in entity.properties:
        described = {"Name": column.name, "Type": EDM[column.type]}
        if column is KEY:
            described["Nullable"] = "false"
        if column.type == "datetime":
            described["Precision"] = "6"
        prop = etree.SubElement(element, f"{{{_EDM}}}Property", described)
        _describe(prop, "Description", column.label, language)
        if column.definition is not None:
            _describe(prop, "LongDescription", column.definition, language)
    _describe(element, "Description", entity.title, language)
    _describe(element, "LongDescription", entity.definition, language)
    return element


def _describe(element: etree._Element, term: str, text: Text, language: Language) -> None:
    for qualifier, words in ((None, text[language]), ("zh", text.zh), ("en", text.en)):
        described = {"Term": f"{_CORE}.{term}"}
        if qualifier:
            described["Qualifier"] = qualifier
        etree.SubElement(element, f"{{{_EDM}}}Annotation", {**described, "String": words})
